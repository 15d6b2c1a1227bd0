import type { LogExclude } from '../project.ts';

/**
 * What people see of a line, without colours, where that is not the line itself: a line of JSON that is shown as level,
 * message and fields. A pattern is what somebody types who sees it, or who knows what the program writes, so both count.
 */
export type ShownText = (line: string) => string | undefined;

/** Which lines are told: those that an `include` matches, or all if there is none, but not what a rule excludes. */
export interface LineRules {
  readonly exclude: readonly LogExclude[];
  readonly include?: readonly RegExp[];
  readonly shown?: ShownText | undefined;
}

/** The rules for one container. */
export interface Filter {
  /** A rule leaves the whole container out, whatever it prints. */
  readonly everything: boolean;
  leavesOut(line: string): boolean;
}

/** @param source the service, or the workload where no service builds its image. */
export function filterFor(
  { exclude, include = [], shown = () => undefined }: LineRules,
  source: string,
  container: string,
): Filter {
  const mine = exclude.filter(
    (rule) =>
      (rule.service === undefined || rule.service === source) &&
      (rule.container === undefined || rule.container === container),
  );
  const patterns = mine.flatMap(({ match }) => match ?? []);
  // `search` and not `test`, which a `g` or `y` flag makes depend on the line before.
  const matchesAny = (all: readonly RegExp[], line: string) => all.some((pattern) => line.search(pattern) >= 0);
  const isMeant = (all: readonly RegExp[], line: string) => {
    if (all.length === 0 || matchesAny(all, line)) return all.length > 0;
    const text = shown(line);
    return text !== undefined && matchesAny(all, text);
  };
  return {
    everything: mine.some(({ match }) => !match),
    leavesOut: (line) => (include.length > 0 && !isMeant(include, line)) || isMeant(patterns, line),
  };
}
