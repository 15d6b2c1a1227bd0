import type { LogStart } from './container-follower.ts';

/** What a person asks for of the logs of some pods. */
export interface LogChoice {
  readonly follow: boolean;
  /** The last run that is over, of containers that crashed or were restarted; never followed. */
  readonly previous: boolean;
  /** For containers that are there. */
  readonly start: LogStart;
  /** Lines that any of them matches; none: all lines. */
  readonly include: readonly RegExp[];
  readonly exclude: readonly RegExp[];
  /** By name; none: all containers. */
  readonly containers: readonly RegExp[];
  readonly notContainers: readonly RegExp[];
}

/** Everything that is there and everything that comes. */
export const everyLine: LogChoice = {
  follow: true,
  previous: false,
  start: 'all',
  include: [],
  exclude: [],
  containers: [],
  notContainers: [],
};

/** @returns whether the container of that name is asked for. */
export function choosesContainer({ containers, notContainers }: LogChoice, name: string): boolean {
  if (notContainers.some((pattern) => name.search(pattern) >= 0)) return false;
  return containers.length === 0 || containers.some((pattern) => name.search(pattern) >= 0);
}
