import { join } from 'node:path';
import { readScripts } from '../context/package-scripts.ts';
import { findProgram } from '../context/program.ts';
import { readContext } from '../context/read-context.ts';
import { Failure } from '../errors.ts';
import { serviceArgvs } from '../manifests/service-argvs.ts';
import type { KubeObject } from '../objects.ts';

interface FoundBuild {
  /** Relative to the root. */
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
}

/**
 * @returns whether files of the context may be synced into a container whose command is known to load them only when it
 * starts. Of a Dockerfile with a mistake nothing is known yet.
 */
export async function needsRestart(
  root: string,
  { context, dockerfile }: FoundBuild,
  image: string,
  objects: readonly KubeObject[],
): Promise<boolean> {
  const folder = join(root, context);
  const build = {
    context: folder,
    dockerfile: join(folder, dockerfile),
    target: undefined,
    args: {},
    network: undefined,
  };
  try {
    const { mayLand, start } = await readContext(build);
    if (!mayLand) return false;
    const scripts = await readScripts(folder);
    return serviceArgvs(objects, image, start).some((argv) => findProgram(argv, scripts) !== undefined);
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}
