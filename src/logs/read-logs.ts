import { asFailure, type Failure, Failures, isAbort } from '../errors.ts';
import type { Drained, Reporter } from '../events.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube, LogRequest } from '../kube/kube.ts';
import { untilAborted } from '../lib/abort.ts';
import type { Mask } from '../lib/mask.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { LogLimits } from './container-follower.ts';
import { filterFor } from './exclude.ts';
import type { LineRules } from './exclude.ts';
import type { SourceOf } from './follow-logs.ts';
import { explainRefusal } from './refused.ts';
import { StampedLines } from './stamped-lines.ts';
import type { StampedLine } from './stamped-lines.ts';
import { lineTeller } from './tell-line.ts';

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
  readonly report: Reporter;
  readonly drained: Drained;
  readonly signal: AbortSignal;
}

export interface LogsRead {
  /** How many containers were asked for their log. */
  readonly containers: number;
  /** How many of them had a line within the limits. */
  readonly printed: number;
}

/**
 * Tells what the containers of the view's pods have printed so far, merged by time, and ends. A container that has not
 * begun, or whose pod has just gone, has no lines. What breaks or refuses one of the logs is thrown when the others are
 * told to their end: nothing is left out silently.
 *
 * @throws Failures `unreachable`; AbortError.
 */
export async function readLogs(options: ReadLogsOptions): Promise<LogsRead> {
  const { view, drained, signal } = options;
  const pods = await view.until(() => true, signal);
  let printed = 0;
  const broken = new Map<string, Failure>();
  const logs = pods.flatMap((pod) => pod.containers.flatMap((container) => logOf(pod, container, options)));
  /** @returns false at the end of the log, also where it broke. */
  const refill = async (log: Log): Promise<boolean> => {
    try {
      do {
        const chunk = await log.chunks.next();
        if (chunk.done) return false;
        log.lines = chunk.value;
        log.next = 0;
      } while (log.lines.length === 0);
      return true;
    } catch (error) {
      if (isAbort(error)) throw error;
      const failure = asFailure(error);
      broken.set(failure.message, failure);
      return false;
    }
  };
  try {
    const open = await Promise.all(logs.map(async (log) => ((await refill(log)) ? [log] : [])));
    const heads = open.flat();
    printed = heads.length;
    while (heads.length > 0) {
      const first = heads.reduce((a, b) => (stampOf(b) < stampOf(a) ? b : a));
      tellFirst(first);
      if (first.next < first.lines.length) continue;
      const room = drained();
      if (room) await untilAborted(room, signal);
      if (!(await refill(first))) heads.splice(heads.indexOf(first), 1);
    }
  } finally {
    await Promise.all(logs.map(({ chunks }) => chunks.return()));
  }
  const [first, ...rest] = broken.values();
  if (first) throw rest.length === 0 ? first : new Failures([first, ...rest]);
  return { containers: logs.length, printed };
}

interface Log {
  readonly chunks: AsyncGenerator<readonly StampedLine[], void, void>;
  /** What one chunk of the log held; `next` is the first of them that was not told. */
  lines: readonly StampedLine[];
  next: number;
  tell(stamp: string, text: string): void;
}

function stampOf({ lines, next }: Log): string {
  return lines[next]?.stamp ?? '';
}

function tellFirst(log: Log): void {
  const line = log.lines[log.next++];
  if (line) log.tell(line.stamp, line.text);
}

function logOf(pod: PodState, container: ContainerState, options: ReadLogsOptions): readonly Log[] {
  const { name, init } = container;
  if (container.containerId === undefined || (options.previous && !hasCrashed(container))) return [];
  const source = options.sourceOf(pod, container);
  if (source === undefined) return [];
  const filter = filterFor(options, source, name);
  if (filter.everything) return [];
  const { namespace } = pod;
  const tell = lineTeller({ source, namespace, pod: pod.name, container: name, init }, { ...options, filter });
  // While the next run is waited for, the log that stands for the container is that of the last one; the one before it may
  // be gone, whatever the status says.
  const previous = options.previous && container.state === 'running';
  const request = { namespace, pod: pod.name, container: name, timestamps: true, previous, ...options.limits };
  return [{ chunks: readChunks(request, pod, options), lines: [], next: 0, tell }];
}

function hasCrashed({ restarts, exitCode }: ContainerState): boolean {
  return restarts > 0 || (exitCode !== undefined && exitCode !== 0);
}

async function* readChunks(
  request: LogRequest,
  pod: PodState,
  { kube, signal }: ReadLogsOptions,
): AsyncGenerator<readonly StampedLine[], void, void> {
  const lines = new StampedLines();
  try {
    for await (const bytes of kube.logs(request, signal)) {
      yield lines.push(bytes);
      // The node has no log, or none any more, and says so.
      if (lines.message !== undefined) return;
    }
    const tail = lines.end();
    if (tail) yield [tail];
  } catch (error) {
    if (!(error instanceof ApiError && [400, 404].includes(error.status))) throw explainRefusal(pod, error);
  }
}
