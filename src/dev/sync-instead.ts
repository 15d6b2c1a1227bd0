import { join } from 'node:path';
import type { Reporter } from '../events.ts';
import type { Difference } from '../images/contents.ts';
import type { PlannedService } from '../up/plan.ts';
import { decide } from './decide.ts';
import { groundOfService } from './ground.ts';
import type { ServiceSync } from './service-sync.ts';

export interface SyncInsteadOptions {
  readonly planned: PlannedService;
  readonly sync: Pick<ServiceSync, 'lacks'>;
  readonly report: Reporter;
}

/**
 * @returns what tells whether an image from which the tree differs will do without a build: when a save of all that differs
 * would be synced. If so its containers get it as soon as they run, which is reported.
 */
export function syncInstead({ planned, sync, report }: SyncInsteadOptions): (difference: Difference) => boolean {
  const { service, build, selected } = planned;
  return ({ changed, removed }) => {
    if (!selected) return false;
    const absolute = (paths: readonly string[]) => paths.map((path) => join(build.context, path));
    const ground = { config: [], manifests: { files: [], areas: [] }, services: [groundOfService(planned)] };
    const [decision, ...more] = decide({ changed: absolute(changed), removed: absolute(removed) }, ground);
    if (decision?.action !== 'sync' || more.length > 0) return false;
    sync.lacks(decision);
    const files = decision.paths.length === 1 ? '1 file differs' : `${decision.paths.length} files differ`;
    const text = `${files} from its last image: synced when it runs, not built`;
    report({ type: 'note', service: service.name, text });
    return true;
  };
}
