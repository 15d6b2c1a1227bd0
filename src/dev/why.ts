import { planProject, type UpOptions } from '../up/plan-project.ts';
import { statIfThere } from '../watch/stat-if-there.ts';
import { decide } from './decide.ts';
import { groundOf } from './ground.ts';

/** What a save of one path would lead to, for one service or for the session. */
export interface Consequence {
  readonly path: string;
  readonly action: 'sync' | 'rebuild' | 'redeploy' | 'reload' | 'ignore';
  /** undefined: no one service's. */
  readonly service: string | undefined;
  readonly because: string;
}

/**
 * Says what `dev` would do about each path, and the rule or Dockerfile line behind it, without a session or a cluster.
 *
 * @param paths absolute; they need not exist. @throws Failure `usage`: see makePlan.
 */
export async function explainPaths(
  options: UpOptions,
  configFiles: readonly string[],
  paths: readonly string[],
): Promise<readonly Consequence[]> {
  const ground = groundOf(await planProject(options, 'dev'), configFiles);
  return paths.flatMap((path) => {
    if (statIfThere(path)?.isDirectory()) return [folder(path)];
    const all = decide({ changed: [path], removed: [] }, ground);
    if (all.length === 0) return [nothing(path)];
    // That a service ignores what something else uses is no news.
    const used = all.filter(({ action }) => action !== 'ignore');
    return (used.length > 0 ? used : all).map((decision) => ({
      path,
      action: decision.action,
      service: 'service' in decision ? decision.service : undefined,
      because: decision.because,
    }));
  });
}

function folder(path: string): Consequence {
  return { path, action: 'ignore', service: undefined, because: 'it is a folder: the files in it count, one by one' };
}

function nothing(path: string): Consequence {
  return {
    path,
    action: 'ignore',
    service: undefined,
    because: 'no build context, manifest or config of the project holds it',
  };
}
