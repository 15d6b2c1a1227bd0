import type { KubeObject } from '../objects.ts';
import type { PodTemplatePlace } from '../project.ts';
import { argvOf } from './container-argv.ts';
import { mapContainers } from './pod-template.ts';
import { type Interpreter, supervisorCommand } from './supervisor.ts';

/** How an image starts by itself, and what in it can run a supervisor. */
export interface Launch {
  readonly interpreter: Interpreter;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/**
 * @param launches by the pinned reference that pods run.
 * @returns the object with a supervisor before the command of every container of these images: what ran before, by the
 * pod's `command` and `args` or else the image's, runs under it. Left alone is what has to end: init containers, Jobs and
 * CronJobs.
 */
export function supervise(
  object: KubeObject,
  launches: ReadonlyMap<string, Launch>,
  places: readonly PodTemplatePlace[] = [],
): KubeObject {
  if (launches.size === 0 || object.kind === 'Job' || object.kind === 'CronJob') return object;
  return mapContainers(object, places, (container, list) => {
    const launch = list === 'containers' ? launches.get(container.image ?? '') : undefined;
    const argv = launch ? argvOf(container, launch) : [];
    return launch && argv.length > 0
      ? { ...container, command: supervisorCommand(launch.interpreter), args: argv }
      : container;
  });
}
