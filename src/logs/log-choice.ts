import type { PodState } from '../pods/pod-state.ts';

/** Where the log of a container that runs already is taken up. */
export type LogStart = 'all' | LogLimits;

/** Both given: whichever is less. */
export interface LogLimits {
  /** RFC 3339. */
  readonly sinceTime?: string;
  /** The last lines of each container. */
  readonly tailLines?: number;
}

/** Resolves when what must be hidden of the lines of a pod is known. */
export type Known = (pod: PodState, signal: AbortSignal) => Promise<void>;

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

export const usualMinutes = 10;
export const usualLines = 200;

/** @returns what is shown of containers that run already, where nobody asks for more: the less of both. @param now as `Date.now()`. */
export function usualLimits(now: number): Required<LogLimits> {
  return { tailLines: usualLines, sinceTime: new Date(now - usualMinutes * 60_000).toISOString() };
}

/** Clocks of nodes and of this machine differ. */
const marginMs = 10_000;

/** @returns from where on containers have printed what belongs to a run of the last `ms`. @param now as `Date.now()`. */
export function limitsOfRun(ms: number, now: number): LogLimits {
  return { sinceTime: new Date(now - ms - marginMs).toISOString() };
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

const before = '^(?:';
const behind = ')$';

/** @returns the pattern of a name, which it has to match as a whole. */
export function wholeName({ source, flags }: RegExp): RegExp {
  return new RegExp(`${before}${source}${behind}`, flags);
}

/** @returns what was given to `wholeName`, as it was written. */
export function givenName({ source }: RegExp): string {
  const isWhole = source.startsWith(before) && source.endsWith(behind);
  return isWhole ? source.slice(before.length, -behind.length) : source;
}

/** @returns whether the container of that name is asked for. */
export function choosesContainer({ containers, notContainers }: LogChoice, name: string): boolean {
  if (notContainers.some((pattern) => name.search(pattern) >= 0)) return false;
  return containers.length === 0 || containers.some((pattern) => name.search(pattern) >= 0);
}
