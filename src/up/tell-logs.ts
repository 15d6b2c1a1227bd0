import { Failure, Failures, isAbort } from '../errors.ts';
import type { Drained, ExpectPod, Report, Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { LinkedSignal, untilAborted } from '../lib/abort.ts';
import type { Mask } from '../lib/mask.ts';
import { Scope } from '../lib/scope.ts';
import { filterFor, type ShownText } from '../logs/exclude.ts';
import { type SourceOf, followLogs } from '../logs/follow-logs.ts';
import { choosesContainer, type Known, type LogChoice } from '../logs/log-choice.ts';
import { type LogsRead, readLogs } from '../logs/read-logs.ts';
import { tellUnstarted, tellWhy } from '../logs/tell-unstarted.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { LogExclude } from '../project.ts';
import { type Asked, findMissing, tellNone } from './asked-pods.ts';
import type { KnownSecrets } from './known-secrets.ts';
import { maskReports } from './mask-reports.ts';

/** How logs are told, whosever they are. */
export interface TellOptions {
  readonly kube: Kube;
  readonly choice: LogChoice;
  readonly mask: Mask;
  /** Resolves when the mask knows what the manifests of the project here hold; undefined: there is none. */
  readonly rendered: Promise<void> | undefined;
  readonly report: Reporter;
  /** Gets what is said about lines that are read once: it must not stand among them. */
  readonly remark: Reporter;
  readonly drained: Drained;
  readonly shown?: ShownText | undefined;
  readonly expectPod?: ExpectPod | undefined;
  readonly signal: AbortSignal;
}

export interface Told {
  readonly view: PodView;
  /** Whose pods they are, before the choice of containers. */
  readonly sourceOf: SourceOf;
  /** The rules of the config. */
  readonly exclude: readonly LogExclude[];
  /** Whose they are, as the command line says it. */
  readonly asked: Asked;
  /** What learns the Secrets of the pods; undefined: nothing is masked. */
  readonly secrets: KnownSecrets | undefined;
}

/**
 * Follows the logs of the view's pods until the abort, or reads them once. What is not there is waited
 * for and said, or where nobody waits a failure; said is, too, why a pod does not start, and why there is no line.
 *
 * @throws as followLogs and readLogs; Failures `usage`.
 */
export async function tellLogs(told: Told, options: TellOptions): Promise<void> {
  const { view, asked } = told;
  const { choice, kube, mask, rendered, drained, shown, expectPod, signal } = options;
  const report = maskReports(options.report, mask);
  const sourceOf: SourceOf = (pod, container) =>
    choosesContainer(choice, container.name) ? told.sourceOf(pod, container) : undefined;
  const exclude = [
    ...told.exclude,
    ...choice.exclude.map((match) => ({ service: undefined, container: undefined, match })),
  ];
  const known: Known = async (pod, signal) => {
    await Promise.all([told.secrets?.learn(pod, signal), rendered && untilAborted(rendered, signal)]);
  };
  const shared = {
    kube,
    view,
    sourceOf,
    include: choice.include,
    exclude,
    shown,
    expectPod,
    mask,
    known,
    report,
    drained,
    signal,
  };
  if (!choice.follow) return readOnce(shared, asked, options);
  await using scope = new Scope(signal);
  scope.run(
    async (abort) => {
      const pods = await view.until(() => true, abort);
      tellUnstarted({ view, sourceOf, report }, scope);
      const looked = { kube, asked, choice, pods, signal: abort };
      const missing = await findMissing(looked);
      for (const { message, next } of missing) report({ type: 'warning', text: `${message}: waiting for it`, next });
      if (
        missing.length === 0 &&
        !pods.some((pod) => pod.containers.some((container) => isTold(shared, pod, container)))
      )
        report({ type: 'note', text: `${tellNone(looked)}: waiting` });
    },
    // What breaks the view is thrown below; what else can't be asked is nothing to end for.
    () => {},
  );
  await followLogs({ ...shared, start: choice.start });
}

/** Two tries of a list that nobody answers. */
const listMs = 60_000;

type Shared = Omit<Parameters<typeof readLogs>[0], 'limits' | 'previous'>;

function isTold(shared: Shared, pod: PodState, container: ContainerState): boolean {
  const source = shared.sourceOf(pod, container);
  return source !== undefined && !filterFor(shared, source, container.name).everything;
}

async function readOnce(
  shared: Shared,
  asked: Asked,
  { choice, mask, signal, ...options }: TellOptions,
): Promise<void> {
  const remark = maskReports(options.remark, mask);
  const { start, previous } = choice;
  const pods = await listedPods(shared, signal);
  const looked = { kube: shared.kube, asked, choice, pods, signal };
  const [first, ...rest] = await findMissing(looked);
  if (first) throw new Failures([first, ...rest]);
  const unstarted = previous ? [] : pods.filter((pod) => tellWhy(pod, { sourceOf: shared.sourceOf, report: remark }));
  let told = 0;
  const report = (each: Report) => {
    if (each.type === 'log') told++;
    shared.report(each);
  };
  const limits = start === 'all' ? {} : start;
  const { containers, printed } = await readLogs({ ...shared, report, limits, previous });
  if (told > 0) return;
  const text = nothingText(looked, shared, { containers, printed });
  if (containers > 0 || unstarted.length === 0) remark({ type: 'note', text });
}

/** A view waits for a cluster that is away, for as long as it takes; what is read once has an end. */
async function listedPods({ kube, view }: Shared, signal: AbortSignal): Promise<readonly PodState[]> {
  using limit = new LinkedSignal(signal);
  const timer = setTimeout(() => limit.abort(undefined), listMs);
  try {
    return await view.until(() => true, limit.signal);
  } catch (error) {
    if (signal.aborted || !isAbort(error)) throw error;
    throw new Failure('unreachable', `the pods could not be listed within ${listMs / 1000} s`, {
      where: kube.target.server,
      next: `see whether the cluster answers: kubectl --context ${kube.target.context} get --raw /readyz`,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** @returns why no line is shown, where all that was named is there. */
function nothingText(
  { asked, choice, pods }: Pick<Parameters<typeof findMissing>[0], 'asked' | 'choice' | 'pods'>,
  shared: Shared,
  { containers, printed }: LogsRead,
): string {
  const { start, previous, include, exclude } = choice;
  if (printed > 0) {
    const rules = [
      ...(include.length > 0 ? ['--include'] : []),
      ...(exclude.length > 0 ? ['--exclude'] : []),
      ...(shared.exclude.length > exclude.length ? ['logs.exclude of the config'] : []),
    ];
    return `there are lines, and ${rules.join(' and ')} ${rules.length > 1 ? 'leave' : 'leaves'} all of them out`;
  }
  const isThere = pods.some((pod) => pod.containers.some((container) => isTold(shared, pod, container)));
  if (containers === 0) {
    if (!isThere) return tellNone({ asked, choice, pods });
    return previous
      ? 'nothing crashed: no container that is asked for has ended with an error or was restarted'
      : 'no container that is asked for has begun yet';
  }
  if (previous) return 'the log of the run before is empty, or gone';
  if (start === 'all') return 'nothing was printed yet';
  if (start.tailLines === 0) return '--tail 0 shows no line of what there is';
  if (start.sinceTime === undefined) return 'nothing was printed yet';
  return `nothing was printed since ${start.sinceTime}; a longer --since shows more, and --tail -1 without it all`;
}
