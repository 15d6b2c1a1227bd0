import { Agent as HttpAgent, type IncomingMessage, request as requestHttp, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { addAbortSignal, type Duplex, type Readable } from 'node:stream';
import { callbackify } from 'node:util';
import type Dockerode from 'dockerode';
import type { EngineAddress, TcpRoute } from './address.ts';

export interface StreamRequest {
  readonly method: 'GET' | 'POST';
  /** Without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: Readable;
  /** Sent as X-Registry-Auth: the engine refuses a push without it. */
  readonly registryAuth?: object;
}

/** The connections to one engine. */
export type Agent = HttpAgent;

export function createAgent({ route }: EngineAddress): Agent {
  if (route.kind === 'socket' || !route.tls) return new HttpAgent({ keepAlive: true });
  const { ca, cert, key, verify } = route.tls;
  return new HttpsAgent({ keepAlive: true, ca, cert, key, rejectUnauthorized: verify });
}

/**
 * Loads dockerode, which costs 0.2 s, only when an engine is first called. Every option is given, since docker-modem
 * would fill the gaps from DOCKER_HOST, which a docker context has to be able to override.
 */
export async function createDocker({ route }: EngineAddress, agent: Agent): Promise<Dockerode> {
  const { default: Docker } = await import('dockerode');
  const nothing = { host: undefined, port: undefined, ca: undefined, cert: undefined, key: undefined };
  const to =
    route.kind === 'socket'
      ? { socketPath: route.path, protocol: 'http' }
      : { host: bracket(route), port: route.port, protocol: route.tls ? 'https' : 'http' };
  const options: object = { ...nothing, ...to, agent };
  const docker = new Docker(options);
  readAnswersHere(docker.modem);
  return docker;
}

/**
 * Reads answers that are no streams in docker-modem's place, which waits for their end and hears of nothing else: the call
 * of an answer that is cut never ended (docker-modem 5.0.7, lib/modem.js, `buildRequest`).
 */
function readAnswersHere(modem: Dockerode['modem']): void {
  const dial = modem.dial.bind(modem);
  const read = callbackify(readAnswer);
  modem.dial = (options, done = () => {}) => {
    if (options.isStream || options.hijack) return dial(options, done);
    return dial({ ...options, isStream: true }, (error, answer) => {
      if (error) done(error, null);
      else read(answer as Readable, options.abortSignal, done);
    });
  };
}

/** @returns what docker-modem would: JSON where it is JSON. */
async function readAnswer(answer: Readable, signal: AbortSignal | undefined): Promise<object> {
  const bytes = await readAll(signal ? addAbortSignal(signal, answer) : answer);
  return (parseOrNothing(bytes.toString('utf8')) as object | undefined) ?? bytes;
}

function bracket({ host }: TcpRoute): string {
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * A GET that answers with JSON. Own code, since it is all that a command asks which finds its images built already: for
 * that the library need not be loaded. A refusal is thrown as docker-modem throws it, with `statusCode` and `json`.
 */
export async function getJson<T>(
  { route }: EngineAddress,
  agent: Agent,
  path: string,
  signal: AbortSignal | undefined,
): Promise<T> {
  const to: RequestOptions =
    route.kind === 'socket' ? { socketPath: route.path } : { host: route.host, port: route.port };
  const request = route.kind === 'tcp' && route.tls ? requestHttps : requestHttp;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({ ...to, agent, path, ...(signal && { signal }) }, resolve);
    // Stays on: an abort after the answer's head errors the request once more.
    sent.on('error', reject);
    sent.end();
  });
  const text = (await readAll(answer)).toString('utf8');
  const status = answer.statusCode ?? 0;
  if (status === 200) return JSON.parse(text) as T;
  throw Object.assign(new Error(`(HTTP code ${status}) unexpected - ${text}`), {
    statusCode: status,
    json: parseOrNothing(text),
  });
}

async function readAll(answer: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * One request whose answer is a stream. An abort destroys both, so that the engine stops the work; a body that is not
 * used up is destroyed too. Own code over docker-modem's `dial`, since dockerode's calls keep whole outputs in memory.
 */
export async function openStream(docker: Dockerode, request: StreamRequest, signal: AbortSignal): Promise<Readable> {
  const { method, path, query = {}, body, registryAuth } = request;
  try {
    const answer = await new Promise<Readable>((resolve, reject) =>
      docker.modem.dial(
        {
          method,
          path: `${path}?`,
          options: { _query: query, _body: {} },
          isStream: true,
          statusCodes: { 200: true },
          abortSignal: signal,
          ...(body && { file: body }),
          ...(registryAuth && { authconfig: registryAuth }),
        },
        (error, stream) => (error ? reject(error) : resolve(stream as Readable)),
      ),
    );
    return addAbortSignal(signal, answer);
  } catch (error) {
    body?.destroy();
    throw error;
  }
}

/** One request that turns its connection into a byte stream both ways; who asks for it ends it, after an abort too. */
export function upgrade(
  docker: Dockerode,
  path: string,
  headers: Readonly<Record<string, string | string[]>>,
  body: object,
  signal: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) =>
    docker.modem.dial(
      {
        method: 'POST',
        path,
        headers: { ...headers },
        options: body,
        hijack: true,
        // Of what a refusal says, so that its end is heard of; see `readAnswersHere`.
        isStream: true,
        statusCodes: { 101: true },
        abortSignal: signal,
      },
      (error, socket) => (error ? reject(error) : resolve(socket as Duplex)),
    ),
  );
}
