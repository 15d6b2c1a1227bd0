import { Failure } from '../errors.ts';
import type { Drained } from '../events.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube, LogRequest } from '../kube/kube.ts';
import { untilAborted } from '../lib/abort.ts';
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
  /** The unfinished line at the end. */
  readonly tail: StampedLine | undefined;
  /** What the kubelet said in place of lines. */
  readonly message: string | undefined;
}

/**
 * Reads one log from its first to its last byte and hands every whole line to `take`, in order, until `take` says false.
 * Nothing is read while `drained` says that there is no room: the connection fills, and the node waits.
 *
 * @throws AbortError, an ApiError of 401 or 403, and what `take` throws. All other errors are a kind of end.
 */
export async function readStream(
  kube: Kube,
  request: LogRequest,
  signal: AbortSignal,
  take: (line: StampedLine) => boolean | Promise<boolean>,
  drained: Drained,
): Promise<StreamEnd> {
  const bytes = kube.logs({ ...request, timestamps: true }, signal)[Symbol.asyncIterator]();
  const lines = new StampedLines();
  const end = { tail: undefined, message: undefined };
  let gotData = false;
  try {
    for (;;) {
      const chunk = await nextOf(bytes, signal);
      if (!Buffer.isBuffer(chunk)) return { ...end, kind: chunk, gotData, tail: lines.end() };
      gotData = true;
      for (const line of lines.push(chunk)) {
        const goesOn = take(line);
        // A turn of the loop for each line would cost more than all the rest.
        if (goesOn !== true && !(await goesOn)) return { ...end, kind: 'cut', gotData };
      }
      const { message } = lines;
      if (message !== undefined) return { ...end, kind: request.follow ? 'cut' : 'refused', gotData, message };
      const room = drained();
      if (room) await untilAborted(room, signal);
    }
  } finally {
    await bytes.return?.();
  }
}

async function nextOf(bytes: AsyncIterator<Buffer>, signal: AbortSignal): Promise<Buffer | StreamEnd['kind']> {
  try {
    const next = await bytes.next();
    return next.done ? 'ended' : next.value;
  } catch (error) {
    if (signal.aborted || (error instanceof Failure && error.kind !== 'unreachable')) throw error;
    if (!(error instanceof ApiError)) return 'cut';
    if (error.status === 401 || error.status === 403) throw error;
    // A 404 is the pod's: it is about to leave the view, or its kubelet has just begun and does not know it yet.
    if (error.status === 404) return 'absent';
    return error.status === 400 ? 'refused' : 'cut';
  }
}
