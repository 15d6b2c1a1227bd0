import type { IncomingMessage } from 'node:http';
import type { ClientOptions, WebSocket } from 'ws';
import type { OpenAccess } from './access.ts';
import { apiError } from './status.ts';
import { type Transport, pathOnly, readAll, tcpKeepAliveMs } from './transport.ts';

export interface WebSocketRequest {
  /** With its query. */
  readonly path: string;
  /** Subprotocols, the best first: the server picks. */
  readonly protocols: readonly string[];
  /** One more, whose name is no token as RFC 6455 wants it: `SPDY/3.1+portforward.k8s.io`. */
  readonly oddProtocol?: string;
  /** For errors: `the exec in web/main`. */
  readonly doing: string;
}

/**
 * Opens a WebSocket to the API server. What `attach` makes of it hangs its listeners on it before the handshake ends:
 * frames may come together with the 101, and nobody would hear them after an awaited open. The socket is terminated when
 * the signal that `attach` gets is aborted, which is with the caller's or when the transport is closed.
 *
 * @throws ApiError when the server answers the upgrade with a Status; Failure `unreachable`; AbortError.
 */
export async function openWebSocket<T>(
  transport: Transport,
  request: WebSocketRequest,
  attach: (socket: WebSocket, signal: AbortSignal) => T,
  signal: AbortSignal,
): Promise<T> {
  using guard = transport.link(signal);
  try {
    return await transport.withAccess(async (access) => {
      const link = transport.link(signal);
      const socket = await dial(access, request);
      const abort = () => socket.terminate();
      link.signal.addEventListener('abort', abort, { once: true });
      socket.once('close', () => {
        link.signal.removeEventListener('abort', abort);
        link[Symbol.dispose]();
      });
      // An error is always followed by `close`, and told by whoever waits for that.
      socket.on('error', () => {});
      const attached = attach(socket, link.signal);
      if (link.signal.aborted) abort();
      await opened(socket, request);
      return attached;
    }, guard.signal);
  } catch (error) {
    throw transport.explain(error, guard.signal, request.doing);
  }
}

async function dial(
  { access, single }: OpenAccess,
  { path, protocols, oddProtocol }: WebSocketRequest,
): Promise<WebSocket> {
  // Most commands need none.
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(access.server.replace(/^http/, 'ws') + path, [...protocols], {
    // It remembers TLS sessions: another handshake with a client certificate costs several milliseconds.
    agent: single,
    headers: access.headers,
    ...(oddProtocol === undefined ? {} : askFor(oddProtocol)),
    perMessageDeflate: false,
    handshakeTimeout: 30_000,
  });
  socket.once('upgrade', (answer) => answer.socket.setKeepAlive(true, tcpKeepAliveMs));
  return socket;
}

/** The library takes no such name from its caller, so it has to see none in the answer, and refuses one that it sees. */
function askFor(protocol: string): ClientOptions {
  const name = 'sec-websocket-protocol';
  return {
    finishRequest: (request) => {
      request.setHeader(name, protocol);
      request.prependOnceListener('upgrade', ({ headers }: IncomingMessage) => {
        if (headers[name] === protocol) delete headers[name];
        else headers[name] ??= '';
      });
      request.end();
    },
    // A mask keeps a browser's scripts from talking to caches on the way, and costs a copy (RFC 6455, 10.3): 0 is none.
    generateMask: (mask) => mask.fill(0),
  };
}

function opened(socket: WebSocket, { path }: WebSocketRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, answer) => {
      refusalOf(answer, pathOnly(path))
        .then(reject, reject)
        // Else the connection idles until the server ends it, and holds the process as long.
        .finally(() => socket.terminate());
    });
  });
}

async function refusalOf(answer: IncomingMessage, path: string): Promise<Error> {
  const body = (await readAll(answer)).toString('utf8');
  return apiError({
    status: answer.statusCode ?? 0,
    body,
    retryAfter: answer.headers['retry-after'],
    method: 'GET',
    path,
  });
}
