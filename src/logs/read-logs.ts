import type { Drained, Reporter } from '../events.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import { untilAborted } from '../lib/abort.ts';
import type { Mask } from '../lib/mask.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { LogExclude } from '../project.ts';
import { filterFor } from './exclude.ts';
import type { SourceOf } from './follow-logs.ts';
import { explainRefusal } from './refused.ts';
import { KubeletMessage, StampedLines } from './stamped-lines.ts';
import type { StampedLine } from './stamped-lines.ts';
import { lineTeller } from './tell-line.ts';

export interface ReadLogsOptions {
  readonly kube: Kube;
  readonly view: PodView;
  readonly sourceOf: SourceOf;
  /** The last lines of each container; undefined: all that the nodes keep. */
  readonly tailLines: number | undefined;
  readonly exclude: readonly LogExclude[];
  /** What it knows is hidden before a line is reported. */
  readonly mask: Mask;
  readonly report: Reporter;
  readonly drained: Drained;
  readonly signal: AbortSignal;
}

/**
 * Tells what the containers of the view's pods have printed so far, merged by time, and ends. A container that has not
 * begun, or whose pod has just gone, has no lines. Throws what breaks a stream half-way: nothing is left out silently.
 */
export async function readLogs(options: ReadLogsOptions): Promise<void> {
  const pods = await options.view.until(() => true, options.signal);
  const logs = pods.flatMap((pod) => pod.containers.flatMap((container) => logOf(pod, container.name, options)));
  try {
    const heads: Head[] = [];
    for (const head of await Promise.all(logs.map(advance))) if (head) heads.push(head);
    while (heads.length > 0) {
      const first = heads.reduce((a, b) => (b.line.stamp < a.line.stamp ? b : a));
      first.log.tell(first.line.stamp, first.line.text);
      const room = options.drained();
      if (room) await untilAborted(room, options.signal);
      const next = await advance(first.log);
      heads.splice(heads.indexOf(first), 1, ...(next ? [next] : []));
    }
  } finally {
    await Promise.all(logs.map((log) => log.lines.return()));
  }
}

interface Log {
  readonly lines: AsyncGenerator<StampedLine, void, void>;
  tell(stamp: string, text: string): void;
}

interface Head {
  readonly log: Log;
  readonly line: StampedLine;
}

async function advance(log: Log): Promise<Head | undefined> {
  const next = await log.lines.next();
  return next.done ? undefined : { log, line: next.value };
}

function logOf(pod: PodState, container: string, options: ReadLogsOptions): readonly Log[] {
  const state = pod.containers.find(({ name }) => name === container);
  const source = state?.containerId === undefined ? undefined : options.sourceOf(pod, state);
  if (source === undefined) return [];
  const filter = filterFor(options.exclude, source, container);
  if (filter.everything) return [];
  const { namespace, name } = pod;
  const init = state?.init === true;
  const tell = lineTeller({ source, namespace, pod: name, container, init }, { ...options, filter });
  return [{ lines: readLines(pod, container, options), tell }];
}

async function* readLines(
  pod: PodState,
  container: string,
  { kube, tailLines, signal }: ReadLogsOptions,
): AsyncGenerator<StampedLine, void, void> {
  const request = { namespace: pod.namespace, pod: pod.name, container, timestamps: true, follow: false };
  const lines = new StampedLines();
  try {
    for await (const bytes of kube.logs({ ...request, ...(tailLines === undefined ? {} : { tailLines }) }, signal))
      yield* lines.push(bytes);
    const tail = lines.end();
    if (tail) yield tail;
  } catch (error) {
    const hasNoLog =
      error instanceof KubeletMessage || (error instanceof ApiError && [400, 404].includes(error.status));
    if (!hasNoLog) throw explainRefusal(pod, error);
  }
}
