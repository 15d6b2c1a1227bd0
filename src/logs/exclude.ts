import type { LogExclude } from '../project.ts';

/** The `logs.exclude` rules for one container. */
export interface Filter {
  /** A rule leaves the whole container out, whatever it prints. */
  readonly everything: boolean;
  leavesOut(line: string): boolean;
}

/** @param source the service, or the workload where no service builds its image. */
export function filterFor(rules: readonly LogExclude[], source: string, container: string): Filter {
  const mine = rules.filter(
    (rule) =>
      (rule.service === undefined || rule.service === source) &&
      (rule.container === undefined || rule.container === container),
  );
  const patterns = mine.flatMap(({ match }) => match ?? []);
  return {
    everything: mine.some(({ match }) => !match),
    // `search` and not `test`, which a `g` or `y` flag makes depend on the line before.
    leavesOut: (line) => patterns.some((pattern) => line.search(pattern) >= 0),
  };
}
