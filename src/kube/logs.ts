import { podPath, withQuery } from './api-path.ts';
import type { LogRequest } from './kube.ts';
import type { Transport } from './transport.ts';

/** @see Kube.logs */
export async function* streamLogs(
  transport: Transport,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const { container, follow, timestamps, previous, tailLines, sinceTime } = request;
  const query = { container, follow, timestamps, previous, tailLines, sinceTime };
  const path = withQuery(podPath(request, 'log'), query);
  const answer = await transport.open({ method: 'GET', path, lasting: follow === true, repeatable: true }, signal);
  yield* answer.body;
}
