import type { LogExclude } from '../project.ts';

/** Which lines are told: those that an `include` matches, or all if there is none, but not what a rule excludes. */
export interface LineRules {
  readonly exclude: readonly LogExclude[];
  readonly include?: readonly RegExp[];
}

/** The rules for one container. */
export interface Filter {
  /** A rule leaves the whole container out, whatever it prints. */
  readonly everything: boolean;
  leavesOut(line: string): boolean;
}

/** @param source the service, or the workload where no service builds its image. */
export function filterFor({ exclude, include = [] }: LineRules, source: string, container: string): Filter {
  const mine = exclude.filter(
    (rule) =>
      (rule.service === undefined || rule.service === source) &&
      (rule.container === undefined || rule.container === container),
  );
  const patterns = mine.flatMap(({ match }) => match ?? []);
  // `search` and not `test`, which a `g` or `y` flag makes depend on the line before.
  const matchesAny = (all: readonly RegExp[], line: string) => all.some((pattern) => line.search(pattern) >= 0);
  return {
    everything: mine.some(({ match }) => !match),
    leavesOut: (line) => (include.length > 0 && !matchesAny(include, line)) || matchesAny(patterns, line),
  };
}
