import { Failure } from '../errors.ts';
import type { Drained } from '../events.ts';
import { ApiError } from '../kube/kube.ts';
import { isOutage } from '../kube/outage.ts';
import type { Kube, LogRequest } from '../kube/kube.ts';
import { LinkedSignal, untilAborted } from '../lib/abort.ts';
import { Doubt, type DoubtTiming } from './doubt.ts';
import { StampedLines } from './stamped-lines.ts';
import type { StampedLine } from './stamped-lines.ts';

/** How one stream came to its end. */
export interface StreamEnd {
  /**
   * `ended`: the connection said that this is the end. `cut`: it broke, or nobody answered. `refused`: the node says
   * that it has no such log, or none any more. `absent`: there is no such pod, or its node does not know it yet.
   */
  readonly kind: 'ended' | 'cut' | 'refused' | 'absent';
  readonly gotData: boolean;
  /** `take` let it go: what came is not of the log that was asked for. */
  readonly letGo?: boolean;
  /** The unfinished line at the end. */
  readonly tail: StampedLine | undefined;
  /**
   * Cut from here, because the log is empty: what was followed is the log no more. `readOut`: all of it was read before the
   * new one had anything; `late`: it was read so late that a whole file may have come and gone meanwhile.
   */
  readonly emptied?: 'readOut' | 'late' | undefined;
  /** What the kubelet said in place of lines. */
  readonly message: string | undefined;
}

/**
 * A node looks every ten seconds for logs that have grown too big (kubelet: containerLogMonitorInterval), so for as long a
 * new file stays the log; part of it goes by until a silence is doubted.
 */
const lateMs = 5000;

/**
 * Reads one log from its first to its last byte and hands every whole line to `take`, in order, until `take` says false.
 * Nothing is read while `drained` says that there is no room: the connection fills, and the node waits. A stream that
 * follows and is silent is doubted, and is cut from here when it does not give what the log has.
 *
 * @throws AbortError, an ApiError of 403, and what `take` throws. All other errors are a kind of end.
 */
export async function readStream(
  kube: Kube,
  request: LogRequest,
  signal: AbortSignal,
  take: (line: StampedLine) => boolean | Promise<boolean>,
  { drained, doubt }: { readonly drained: Drained; readonly doubt: DoubtTiming },
): Promise<StreamEnd> {
  using link = new LinkedSignal(signal);
  const bytes = kube.logs({ ...request, timestamps: true }, link.signal)[Symbol.asyncIterator]();
  const lines = new StampedLines();
  let emptied: StreamEnd['emptied'];
  let cameAt = 0;
  using doubts = request.follow
    ? new Doubt({
        ...doubt,
        seen: () => lines.newest,
        askNewest: (signal) => newestOf(kube, request, signal),
        onStalled: (isEmpty) => {
          const lagMs = cameAt - Date.parse(lines.newest ?? '');
          if (isEmpty) emptied = lagMs >= lateMs ? 'late' : 'readOut';
          link.abort(new Error('the stream does not give what the log has'));
        },
      })
    : undefined;
  const end = { tail: undefined, message: undefined };
  let gotData = false;
  const said = (message: string): StreamEnd => {
    // The message itself is nothing of the log.
    return { ...end, kind: request.follow ? 'cut' : 'refused', gotData: lines.newest !== undefined, message };
  };
  try {
    for (;;) {
      const chunk = await nextOf(bytes, signal);
      if (!Buffer.isBuffer(chunk)) {
        const tail = lines.end();
        // What broke off may be any part of it.
        if (chunk === 'ended' && lines.message !== undefined) return said(lines.message);
        return { ...end, kind: chunk, gotData, emptied, tail };
      }
      gotData = true;
      cameAt = Date.now();
      doubts?.came(chunk.length);
      for (const line of lines.push(chunk)) {
        const goesOn = take(line);
        // A turn of the loop for each line would cost more than all the rest.
        if (goesOn !== true && !(await goesOn)) return { ...end, kind: 'cut', gotData, letGo: true };
      }
      if (lines.message !== undefined) return said(lines.message);
      const room = drained();
      if (!room) continue;
      doubts?.hold(true);
      await untilAborted(room, signal);
      doubts?.hold(false);
    }
  } finally {
    await bytes.return?.();
  }
}

/** The stamp of the last line that the log has now, asked for on another connection; '': it is empty. */
async function newestOf(kube: Kube, request: LogRequest, signal: AbortSignal): Promise<string | undefined> {
  const lines = new StampedLines();
  try {
    const last = { ...request, follow: false, timestamps: true, tailLines: 1 };
    for await (const bytes of kube.logs(last, signal)) lines.push(bytes);
  } catch (error) {
    // The server answers: there is no such log now, or it has no time for this.
    if (error instanceof ApiError) return undefined;
    throw error;
  }
  const { newest = '' } = lines;
  // Only then is it known whether what has no newline is a message.
  lines.end();
  return lines.message === undefined ? newest : undefined;
}

async function nextOf(bytes: AsyncIterator<Buffer>, signal: AbortSignal): Promise<Buffer | StreamEnd['kind']> {
  try {
    const next = await bytes.next();
    return next.done ? 'ended' : next.value;
  } catch (error) {
    if (signal.aborted || (error instanceof Failure && !isOutage(error))) throw error;
    if (!(error instanceof ApiError)) return 'cut';
    if (error.status === 403) throw error;
    // A 404 is the pod's: it is about to leave the view, or its kubelet has just begun and does not know it yet.
    if (error.status === 404) return 'absent';
    return error.status === 400 ? 'refused' : 'cut';
  }
}
