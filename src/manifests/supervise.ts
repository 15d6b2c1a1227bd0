import type { KubeObject } from '../objects.ts';
import { mapContainers, type RawContainer } from './pod-template.ts';
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
export function supervise(object: KubeObject, launches: ReadonlyMap<string, Launch>): KubeObject {
  if (launches.size === 0 || object.kind === 'Job' || object.kind === 'CronJob') return object;
  return mapContainers(object, (container, list) => {
    const launch = list === 'containers' ? launches.get(container.image ?? '') : undefined;
    const argv = launch ? argvOf(container, launch) : [];
    return launch && argv.length > 0
      ? { ...container, command: supervisorCommand(launch.interpreter), args: argv }
      : container;
  });
}

/** https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/ */
function argvOf(container: RawContainer, { entrypoint, command }: Launch): readonly string[] {
  const given = { command: listOf(container['command']), args: listOf(container['args']) };
  if (given.command.length > 0) return [...given.command, ...given.args];
  const args = given.args.length > 0 ? given.args : command.map(literally);
  return [...entrypoint.map(literally), ...args];
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** The kubelet replaces `$(NAME)` in a pod's words, and not in those of an image. */
function literally(word: string): string {
  return word.replaceAll('$', '$$$$');
}
