import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { abortError } from '../lib/abort.ts';
import type { OpenAccess } from './access.ts';
import { type Link, SocketLink, WebSocketLink } from './link.ts';
import { apiError } from './status.ts';
import { type Transport, newRequest, pathOnly, readAll, tcpKeepAliveMs } from './transport.ts';
import { openWebSocket } from './websocket.ts';

/** How long a server, or what lies before it, may leave the request for an upgrade without an answer. */
const answerMs = 10_000;

/**
 * Opens a connection for SPDY streams to the API server by an HTTP upgrade.
 *
 * @param path with its query.
 * @param doing for errors: `port forwarding to web`.
 * @throws ApiError for every answer but the upgrade; Failure `unreachable`; AbortError.
 */
export async function openDirect(
  transport: Transport,
  path: string,
  doing: string,
  signal: AbortSignal,
): Promise<Link> {
  using link = transport.link(signal);
  try {
    return await transport.withAccess((access) => upgrade(access, path, link.signal), link.signal);
  } catch (error) {
    throw transport.explain(error, link.signal, doing);
  }
}

/**
 * The same through a WebSocket, for where something on the way lets no other upgrade pass.
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets
 */
export async function openTunnel(
  transport: Transport,
  path: string,
  doing: string,
  signal: AbortSignal,
): Promise<Link> {
  const request = { path, protocols: [], oddProtocol: 'SPDY/3.1+portforward.k8s.io', doing };
  return openWebSocket(transport, request, (socket) => new WebSocketLink(socket), signal);
}

function upgrade(access: OpenAccess, path: string, signal: AbortSignal): Promise<Link> {
  return new Promise((resolve, reject) => {
    const sent = newRequest(access, {
      method: 'POST',
      path,
      agent: access.single,
      headers: {
        connection: 'Upgrade',
        upgrade: 'SPDY/3.1',
        'x-stream-protocol-version': 'portforward.k8s.io',
        'content-length': 0,
      },
    });
    const late = Object.assign(new Error('no answer to the upgrade'), { code: 'ERR_UPGRADE_TIMEOUT' });
    const timer = setTimeout(() => sent.destroy(late), answerMs);
    const abort = () => sent.destroy(abortError(signal));
    signal.addEventListener('abort', abort, { once: true });
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    sent.once('upgrade', (_answer, socket: Socket, head) => {
      done();
      socket.setKeepAlive(true, tcpKeepAliveMs).setNoDelay(true);
      resolve(new SocketLink(socket, head));
    });
    sent.once('response', (answer) => {
      refusalOf(answer, pathOnly(path))
        .then(reject, reject)
        .finally(() => {
          done();
          sent.destroy();
        });
    });
    sent.on('error', (error) => {
      done();
      reject(error);
    });
    if (signal.aborted) abort();
    else sent.end();
  });
}

async function refusalOf(answer: IncomingMessage, path: string): Promise<Error> {
  const body = (await readAll(answer)).toString('utf8');
  const status = answer.statusCode ?? 0;
  return apiError({ status, body, retryAfter: answer.headers['retry-after'], method: 'POST', path });
}
