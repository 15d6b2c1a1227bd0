import { LinkedSignal } from '../lib/abort.ts';
import { podPath, withQuery } from './api-path.ts';
import type { LogRequest } from './kube.ts';
import type { Transport } from './transport.ts';

export interface LogTiming {
  /** A log that is not followed is all there: one that gives nothing for this long while it is being read is cut. */
  readonly idleMs: number;
}

/** @see Kube.logs */
export async function* streamLogs(
  transport: Transport,
  request: LogRequest,
  signal: AbortSignal,
  { idleMs }: LogTiming,
): AsyncGenerator<Buffer, void, void> {
  const { container, follow, timestamps, previous, tailLines, sinceTime } = request;
  const query = { container, follow, timestamps, previous, tailLines, sinceTime };
  const path = withQuery(podPath(request, 'log'), query);
  if (follow) {
    const { body } = await transport.open({ method: 'GET', path, lasting: true, repeatable: true }, signal);
    yield* body;
    return;
  }
  using link = new LinkedSignal(signal);
  // Whoever reads may be the one who waits.
  let isHeld = false;
  let isSilent = false;
  const timer = setTimeout(() => {
    if (isHeld) return;
    isSilent = true;
    link.abort(undefined);
  }, idleMs);
  try {
    const { body } = await transport.open({ method: 'GET', path, repeatable: true }, link.signal);
    for await (const bytes of body) {
      isHeld = true;
      yield bytes;
      isHeld = false;
      timer.refresh();
    }
  } catch (error) {
    const late = Object.assign(new Error(`nothing came for ${idleMs / 1000} s`), { code: 'ETIMEDOUT' });
    throw isSilent ? transport.explain(late, signal, `the log of ${request.pod}/${request.container}`) : error;
  } finally {
    clearTimeout(timer);
  }
}
