import type { Drained, Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import type { Mask } from '../lib/mask.ts';
import { Scope } from '../lib/scope.ts';
import { type SourceOf, followLogs } from '../logs/follow-logs.ts';
import { choosesContainer, type LogChoice } from '../logs/log-choice.ts';
import { readLogs } from '../logs/read-logs.ts';
import { tellUnstarted, tellWhy } from '../logs/tell-unstarted.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { LogExclude } from '../project.ts';
import { maskReports } from './mask-reports.ts';

/** How logs are told, whosever they are. */
export interface TellOptions {
  readonly kube: Kube;
  readonly choice: LogChoice;
  readonly mask: Mask;
  readonly report: Reporter;
  /** Gets what is said about lines that are read once: it must not stand among them. */
  readonly remark: Reporter;
  readonly drained: Drained;
  readonly signal: AbortSignal;
}

export interface Told {
  readonly view: PodView;
  /** Whose pods they are, before the choice of containers. */
  readonly sourceOf: SourceOf;
  /** The rules of the config. */
  readonly exclude: readonly LogExclude[];
  /** What the view shows, in words: `the pods of namespace a`. */
  readonly what: string;
}

/**
 * Follows the logs of the view's pods until the abort, or reads them once. Says so where no pod is asked for, why a pod
 * does not start, and that there is no line. @throws as followLogs and readLogs.
 */
export async function tellLogs(told: Told, options: TellOptions): Promise<void> {
  const { view, what } = told;
  const { choice, kube, mask, drained, signal } = options;
  const report = maskReports(options.report, mask);
  const sourceOf: SourceOf = (pod, container) =>
    choosesContainer(choice, container.name) ? told.sourceOf(pod, container) : undefined;
  const exclude = [
    ...told.exclude,
    ...choice.exclude.map((match) => ({ service: undefined, container: undefined, match })),
  ];
  const shared = { kube, view, sourceOf, include: choice.include, exclude, mask, report, drained, signal };
  if (!choice.follow) return readOnce(shared, what, options);
  await using scope = new Scope(signal);
  scope.run(
    async (abort) => {
      const pods = await view.until(() => true, abort);
      if (!pods.some((pod) => pod.containers.some((container) => sourceOf(pod, container) !== undefined)))
        report({ type: 'note', text: `no container matches yet in ${what}: waiting` });
      tellUnstarted({ view, sourceOf, report }, scope);
    },
    // What breaks the view is thrown below.
    () => {},
  );
  await followLogs({ ...shared, start: choice.start });
}

type Shared = Omit<Parameters<typeof readLogs>[0], 'limits' | 'previous'>;

async function readOnce(
  shared: Shared,
  what: string,
  { choice, mask, signal, ...options }: TellOptions,
): Promise<void> {
  const remark = maskReports(options.remark, mask);
  const { start, previous } = choice;
  const pods = await shared.view.until(() => true, signal);
  const unstarted = previous ? [] : pods.filter((pod) => tellWhy(pod, { sourceOf: shared.sourceOf, report: remark }));
  const { containers, printed } = await readLogs({ ...shared, limits: start === 'all' ? {} : start, previous });
  if (printed > 0) return;
  if (containers > 0) remark({ type: 'note', text: emptyText(choice) });
  else if (previous) remark({ type: 'note', text: `no container that matches in ${what} crashed or was restarted` });
  else if (unstarted.length === 0) remark({ type: 'note', text: `no container matches in ${what}` });
}

function emptyText({ start, previous }: LogChoice): string {
  if (previous) return 'the log of the last run is empty, or gone';
  if (start === 'all' || start.sinceTime === undefined) return 'nothing was printed yet';
  return `nothing was printed since ${start.sinceTime}; --tail -1 shows all`;
}
