import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type Dockerode from 'dockerode';
import type { Credentials } from './credentials.ts';
import { encodeNumber, encodeString, readFields } from './protobuf.ts';
import { upgrade } from './transport.ts';

const health = '/grpc.health.v1.Health/Check';
const credentials = '/moby.filesync.v1.Auth/Credentials';

/** gRPC status codes. https://grpc.io/docs/guides/status-codes/ */
const ok = '0';
const unimplemented = '12';
const unavailable = '14';

export interface BuildSession extends AsyncDisposable {
  readonly id: string;
}

export interface SessionAnswers {
  /** What to log in with at a registry; undefined: nothing. */
  readonly credentialsFor: (host: string) => Promise<Credentials | undefined>;
}

/**
 * A BuildKit session: a connection on which the engine is the client, and asks for what a build needs from this side.
 * Own gRPC over node:http2, since dockerode's session has no health service, for which the engine drops it within
 * seconds (dockerode issue 845), and gives one credential to whichever host asks.
 */
export async function openBuildSession(
  docker: Dockerode,
  answers: SessionAnswers,
  signal: AbortSignal,
): Promise<BuildSession> {
  const id = randomUUID().replaceAll('-', '');
  // Only builds need it, and it has to be there before the engine sends its first frame.
  const { performServerHandshake } = await import('node:http2');
  const socket = await upgrade(
    docker,
    '/session',
    {
      Upgrade: 'h2c',
      'X-Docker-Expose-Session-Uuid': id,
      'X-Docker-Expose-Session-Name': 'stormctl',
      'X-Docker-Expose-Session-Grpc-Method': [health, credentials],
    },
    {},
    signal,
  );
  const session = performServerHandshake(socket);
  // The build says what went wrong when its session is cut; an error here only ends it.
  session.on('error', () => session.destroy());
  session.on('stream', (stream, headers) => answer(stream, headers, answers));
  // Node.js reads what waits in the socket in the next tick, and throws outside of any call if the session has ended by then.
  await new Promise((resolve) => setImmediate(resolve));
  return {
    id,
    async [Symbol.asyncDispose]() {
      if (socket.closed) return;
      const closed = new Promise((resolve) => socket.once('close', resolve));
      session.destroy();
      socket.destroy();
      await closed;
    },
  };
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, answers: SessionAnswers): void {
  const chunks: Buffer[] = [];
  // A call that the engine cancels needs no answer.
  stream.on('error', () => stream.destroy());
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    const message = Buffer.concat(chunks).subarray(5);
    replyTo(headers[':path'] ?? '', message, answers).then(
      (reply) => respond(stream, reply ? ok : unimplemented, reply),
      (error: unknown) =>
        respond(stream, unavailable, undefined, error instanceof Error ? error.message : String(error)),
    );
  });
}

/** @returns undefined for a method that is not offered. */
async function replyTo(method: string, message: Buffer, answers: SessionAnswers): Promise<Buffer | undefined> {
  if (method === health) return encodeNumber(1, 1);
  if (method !== credentials) return undefined;
  let host = '';
  for (const { number, bytes } of readFields(message)) if (number === 1 && bytes) host = bytes.toString('utf8');
  const found = await answers.credentialsFor(host);
  if (!found) return Buffer.alloc(0);
  const user = found.identityToken === undefined ? found.username : '';
  return Buffer.concat([encodeString(1, user), encodeString(2, found.identityToken ?? found.password)]);
}

/** https://github.com/grpc/grpc/blob/v1.70.0/doc/PROTOCOL-HTTP2.md: a flag, the length, the message; the status in trailers. */
function respond(stream: ServerHttp2Stream, status: string, reply: Buffer | undefined, message?: string): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () =>
    stream.sendTrailers({
      'grpc-status': status,
      ...(message !== undefined && { 'grpc-message': encodeURIComponent(message) }),
    }),
  );
  if (!reply) {
    stream.end();
    return;
  }
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(reply.length, 1);
  stream.end(Buffer.concat([prefix, reply]));
}
