import { asFailure, Failure, Failures, isAbort } from '../errors.ts';
import type { Drained, ExpectPod, Report, Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { isOutage } from '../kube/outage.ts';
import { untilAborted } from '../lib/abort.ts';
import { mapLimited } from '../lib/map-limited.ts';
import type { Mask } from '../lib/mask.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import { filterFor } from './exclude.ts';
import type { LineRules } from './exclude.ts';
import type { SourceOf } from './follow-logs.ts';
import type { Known, LogLimits } from './log-choice.ts';
import { LogReader, type Patience } from './log-reader.ts';
import { explainRefusal } from './refused.ts';
import type { StampedLine } from './stamped-lines.ts';
import { lineTeller, type LineTeller } from './tell-line.ts';

export interface ReadLogsOptions extends LineRules {
  readonly kube: Kube;
  readonly view: PodView;
  readonly sourceOf: SourceOf;
  /** Without any, all that the nodes keep. */
  readonly limits: LogLimits;
  /** Of the last run that is over, of containers that crashed or were restarted. */
  readonly previous: boolean;
  /** What it knows is hidden before a line is reported. */
  readonly mask: Mask;
  readonly expectPod?: ExpectPod | undefined;
  /** See FollowLogsOptions. */
  readonly known?: Known | undefined;
  readonly report: Reporter;
  readonly drained: Drained;
  /** Default: half a minute for a cluster that can't be reached. */
  readonly patience?: Patience;
  readonly signal: AbortSignal;
}

export interface LogsRead {
  /** How many containers were asked for their log. */
  readonly containers: number;
  /** How many of them had a line within the limits. */
  readonly printed: number;
}

/** So many logs are begun at once, and so many of those that are long stay open beside them. */
const atOnce = 32;
const usualPatience: Patience = { unreachedMs: 30_000, refusedMs: 3000 };

/**
 * Tells what the containers of the view's pods have printed so far, merged by time, and ends: each line once, also where
 * connections are cut. A container that has not begun, or whose pod has just gone, has no lines. What refuses one of the
 * logs, or breaks it for good, is thrown when the others are told to their end: nothing is left out silently.
 *
 * However many containers there are, 64 connections are open at most, and a piece of each log is in memory.
 *
 * @throws Failures `unreachable`; AbortError.
 */
export async function readLogs(options: ReadLogsOptions): Promise<LogsRead> {
  const { view, known, drained, report, signal } = options;
  const pods = await view.until(() => true, signal);
  const logs = pods.flatMap((pod) => pod.containers.flatMap((container) => logOf(pod, container, options)));
  const broken: Broken[] = [];
  let printed = 0;
  const refill = async (log: Log): Promise<boolean> => {
    try {
      log.lines = await log.reader.next();
      log.next = 0;
    } catch (error) {
      if (isAbort(error)) throw error;
      log.lines = [];
      const failure = asFailure(explainRefusal(log.pod, error));
      broken.push({ log, failure, isCut: failure === error && isOutage(failure) });
    }
    await parkFurthest(logs);
    return log.lines.length > 0;
  };
  try {
    const begun = await mapLimited(logs, atOnce, async (log) => ((await refill(log)) ? [log] : []));
    const heads = begun.flat();
    // Now that there are lines: what their runs were given had been written before.
    if (known) await Promise.all(podsOf(heads).map((pod) => known(pod, signal)));
    printed = heads.length;
    while (heads.length > 0) {
      const first = heads.reduce((a, b) => (stampOf(b) < stampOf(a) ? b : a));
      tellFirst(first, report);
      if (first.next < first.lines.length) continue;
      const room = drained();
      if (room) await untilAborted(room, signal);
      if (await refill(first)) continue;
      tellEnd(first, report);
      heads.splice(heads.indexOf(first), 1);
    }
  } finally {
    await Promise.all(logs.map(({ reader }) => reader[Symbol.asyncDispose]()));
  }
  const [first, ...rest] = failuresOf(broken);
  if (first) throw rest.length === 0 ? first : new Failures([first, ...rest]);
  return { containers: logs.length, printed };
}

interface Log {
  readonly pod: PodState;
  /** `web-0/main` */
  readonly name: string;
  readonly reader: LogReader;
  /** The piece that was read last; `next` is the first of its lines that was not told. */
  lines: readonly StampedLine[];
  next: number;
  /** Those that are not told yet, in the order of the log. */
  readonly gaps: LogGap[];
  readonly teller: LineTeller;
}

type LogGap = Extract<Report, { type: 'log.gap' }>;

interface Broken {
  readonly log: Log;
  readonly failure: Failure;
  /** The connection broke, again and again; else somebody answered why there is no log. */
  readonly isCut: boolean;
}

function podsOf(logs: readonly Log[]): readonly PodState[] {
  return [...new Map(logs.map(({ pod }) => [pod.uid, pod])).values()];
}

function stampOf({ lines, next }: Log): string {
  return lines[next]?.stamp ?? '';
}

function tellFirst(log: Log, report: Reporter): void {
  const line = log.lines[log.next++];
  if (!line) return;
  const [gap] = log.gaps;
  if (gap?.to === line.stamp) {
    report(gap);
    log.gaps.shift();
  }
  log.teller.tell(line);
}

function tellEnd({ gaps, teller }: Log, report: Reporter): void {
  teller.end();
  for (const gap of gaps) report(gap);
}

/** Of the logs that are open, those that are needed last let go of their connections. */
async function parkFurthest(logs: readonly Log[]): Promise<void> {
  const lastOf = ({ lines }: Log) => lines.at(-1)?.stamp ?? '';
  const idle = logs.filter(({ reader, lines }) => reader.isOpen && lines.length > 0);
  if (idle.length <= atOnce) return;
  idle.sort((a, b) => (lastOf(a) < lastOf(b) ? -1 : 1));
  await Promise.all(idle.slice(atOnce).map(({ reader }) => reader.park()));
}

/** The same for several containers is said once. */
function failuresOf(broken: readonly Broken[]): readonly Failure[] {
  const alike = new Map<string, [Broken, ...Broken[]]>();
  for (const each of broken) {
    const others = alike.get(each.failure.message);
    if (others) others.push(each);
    else alike.set(each.failure.message, [each]);
  }
  return [...alike.values()].map(([first, ...others]) => {
    if (!first.isCut) return first.failure;
    const { message, detail, next } = first.failure;
    const names = [first, ...others].map(({ log }) => log.name);
    const what = others.length === 0 ? `the log of ${first.log.name}` : `the logs of ${names.length} containers`;
    return new Failure('unreachable', `${what} can't be read to the end: ${message}`, {
      where: `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`,
      detail,
      next,
      cause: first.failure,
    });
  });
}

function logOf(pod: PodState, container: ContainerState, options: ReadLogsOptions): readonly Log[] {
  const { name, init } = container;
  if (container.containerId === undefined || (options.previous && !hasCrashed(container))) return [];
  const source = options.sourceOf(pod, container);
  if (source === undefined) return [];
  const filter = filterFor(options, source, name);
  if (filter.everything) return [];
  const { namespace } = pod;
  const { kube, limits, signal, patience = usualPatience } = options;
  options.expectPod?.({ source, namespace, pod: pod.name });
  const teller = lineTeller({ source, namespace, pod: pod.name, container: name, init }, { ...options, filter });
  // While the next run is waited for, the log that stands for the container is that of the last one; the one before it may
  // be gone, whatever the status says.
  const previous = options.previous && container.state === 'running';
  const request = { namespace, pod: pod.name, container: name, previous, ...limits };
  const gaps: LogGap[] = [];
  const onGap = (from: string, to: string | undefined) =>
    void gaps.push({ type: 'log.gap', source, namespace, pod: pod.name, container: name, from, to });
  const reader = new LogReader({ kube, request, onGap, patience, signal });
  return [{ pod, name: `${pod.name}/${name}`, reader, lines: [], next: 0, gaps, teller }];
}

function hasCrashed({ restarts, exitCode }: ContainerState): boolean {
  return restarts > 0 || (exitCode !== undefined && exitCode !== 0);
}
