import { setMaxListeners } from 'node:events';
import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { Failure, isAbort } from '../errors.ts';
import { LinkedSignal, abortError } from '../lib/abort.ts';
import { type SleepTiming, watchForSleep } from '../lib/sleep-watch.ts';
import type { Access, OpenAccess } from './access.ts';
import { AccessCache } from './access.ts';
import { ApiError, type KubeTarget, LoginFailure } from './kube.ts';
import { Slept } from './slept.ts';
import { apiError } from './status.ts';
import { nameOf, unreachable } from './unreachable.ts';

export interface HttpRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** A stream, on a connection of its own; default: a short call, on a shared one. */
  readonly lasting?: boolean;
  /** The server may get it twice and nothing changes. */
  readonly repeatable?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Must be iterated, or the signal aborted. Throws AbortError, or Failure `unreachable` when the connection breaks. */
  readonly body: AsyncGenerator<Buffer, void, void>;
}

/** Until TCP and TLS are through. How long an answer may take is the request's own affair: a quiet log has none for hours. */
const connectTimeoutMs = 10_000;
/** The kernel asks a silent peer after this long, and Node.js gives it up 10 s later (TCP_KEEPINTVL 1 s, TCP_KEEPCNT 10). */
export const tcpKeepAliveMs = 15_000;

/** The connections to one API server: who asks, over which socket, and what it means when that fails. */
export class Transport implements AsyncDisposable {
  readonly target: KubeTarget;
  readonly #access: AccessCache;
  readonly #closing = new AbortController();
  /** The streams that are open or being opened. */
  readonly #lasting = new Set<LinkedSignal>();
  readonly #endSleepWatch: () => void;
  readonly #onWake = new Set<() => void>();

  constructor(target: KubeTarget, computeAccess: () => Promise<Access>, sleep: SleepTiming) {
    this.target = target;
    this.#endSleepWatch = watchForSleep(sleep, () => this.#wake());
    this.#access = new AccessCache(computeAccess);
    // Every request listens to it.
    setMaxListeners(0, this.#closing.signal);
  }

  /**
   * Sends a request and resolves with the answer's head. A stream that lasts is ended as if it were cut when the machine
   * has slept: whoever reads it takes it up again.
   *
   * @throws ApiError for every answer that is not 2xx; LoginFailure; Failure `unreachable`; AbortError.
   */
  async open(request: HttpRequest, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    const link = this.link(signal);
    if (request.lasting) this.#lasting.add(link);
    try {
      const answer = await this.withAccess((access) => this.#exchange(access, request, link.signal), link.signal);
      return {
        status: answer.statusCode ?? 0,
        contentType: answer.headers['content-type'] ?? '',
        body: this.#read(answer, request, link),
      };
    } catch (error) {
      this.#release(link);
      throw this.explain(error, link.signal, describe(request));
    }
  }

  /** Calls back when this machine has slept, for what is ended by another way than its signal. */
  onWake(listener: () => void): void {
    this.#onWake.add(listener);
  }

  /**
   * Does one attempt, and a second one with an access computed anew when the server says 401 to the first.
   * @throws what the attempt throws; LoginFailure for a 401 that stays.
   */
  async withAccess<T>(attempt: (access: OpenAccess) => Promise<T>, signal: AbortSignal): Promise<T> {
    const access = await this.#access.get(signal);
    const first = await this.#try(attempt, access);
    if ('value' in first) return first.value;
    const renewed = await this.#access.renew(access, signal);
    if (renewed === undefined) throw this.#explainLogin(access, first.refusal);
    const second = await this.#try(attempt, renewed);
    if ('value' in second) return second.value;
    this.#access.refused();
    throw this.#explainLogin(renewed, second.refusal);
  }

  async #try<T>(
    attempt: (access: OpenAccess) => Promise<T>,
    access: OpenAccess,
  ): Promise<{ readonly value: T } | { readonly refusal: ApiError }> {
    try {
      const value = await attempt(access);
      this.#access.accepted();
      return { value };
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
      return { refusal: error };
    }
  }

  #explainLogin({ access }: OpenAccess, cause: ApiError): LoginFailure {
    const not = this.#access.wasAccepted ? 'no longer' : 'not';
    return new LoginFailure(`your credentials for context ${this.target.context} are ${not} accepted`, {
      where: nameOf(this.target),
      next: access.login,
      cause,
    });
  }

  /** @returns a signal that is aborted with the caller's, or when this transport is closed. */
  link(signal: AbortSignal | undefined): LinkedSignal {
    return new LinkedSignal(signal, this.#closing.signal);
  }

  /** @returns what a caller should see of an error: ApiError, Failure or AbortError. */
  explain(error: unknown, signal: AbortSignal, doing: string): Error {
    if (signal.reason instanceof Slept) return unreachable(signal.reason, this.target, doing);
    if (signal.aborted) return abortError(signal);
    if (error instanceof ApiError || error instanceof Failure || isAbort(error)) return error as Error;
    return unreachable(error, this.target, doing);
  }

  /** Aborts everything that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#endSleepWatch();
    this.#closing.abort();
    this.#access[Symbol.dispose]();
  }

  async #exchange(access: OpenAccess, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const answer = await sendOnce(access, request, signal);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const body = (await readAll(answer)).toString('utf8');
    throw apiError({
      ...request,
      status,
      body,
      retryAfter: answer.headers['retry-after'],
      path: pathOnly(request.path),
    });
  }

  async *#read(answer: IncomingMessage, request: HttpRequest, link: LinkedSignal): AsyncGenerator<Buffer, void, void> {
    try {
      for await (const chunk of answer) yield chunk as Buffer;
      // An abort that meets the last byte ends the stream cleanly, and is an abort all the same.
      if (link.signal.aborted) throw abortError(link.signal);
    } catch (error) {
      throw this.explain(error, link.signal, describe(request));
    } finally {
      this.#release(link);
    }
  }

  #release(link: LinkedSignal): void {
    this.#lasting.delete(link);
    link[Symbol.dispose]();
  }

  #wake(): void {
    this.#access.dropIdle();
    for (const link of this.#lasting) link.abort(new Slept());
    for (const listener of this.#onWake) listener();
  }
}

export async function readAll(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/**
 * A kept connection may end at the very moment it is used again: the server closes what idles, a laptop slept. Then the
 * request meets a reset before any answer, and nobody can tell whether the server has read it. For a read, and for a
 * server-side apply, that does not matter: done twice, they leave what doing them once leaves. So these are sent once
 * more, on a new connection. Anything else (a POST would answer 409 to its own doing) is left to the caller.
 */
async function sendOnce(access: OpenAccess, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const first = send(access, request, request.lasting ? access.single : access.shared, signal);
  try {
    return await first.answered;
  } catch (error) {
    const { code } = error as { code?: string };
    const staleSocket = first.sent.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
    if (!staleSocket || !request.repeatable || signal.aborted) throw error;
  }
  return send(access, request, access.single, signal).answered;
}

function send(access: OpenAccess, request: HttpRequest, agent: http.Agent, signal: AbortSignal) {
  const { body } = request;
  const length: Record<string, number> = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const headers = { ...request.headers, ...length };
  const sent = newRequest(access, { method: request.method, path: request.path, headers, agent, signal });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    // Stays on: an abort after the answer's head errors the request once more.
    sent.on('error', reject);
  });
  sent.end(body);
  return { sent, answered };
}

/** A request to the server of an access, with its credentials, that fails when there is no connection in time. */
export function newRequest(
  { access, url }: OpenAccess,
  { path, headers, ...options }: http.RequestOptions & { readonly path: string },
): http.ClientRequest {
  const sent = (url.protocol === 'http:' ? http : https).request({
    ...options,
    hostname: url.hostname.replace(/^\[(.+)\]$/, '$1'),
    port: url.port,
    path: url.pathname.replace(/\/$/, '') + path,
    headers: { ...access.headers, ...(headers as http.OutgoingHttpHeaders | undefined) },
  });
  limitConnect(sent);
  return sent;
}

function limitConnect(sent: http.ClientRequest): void {
  sent.once('socket', (socket) => {
    socket.setKeepAlive(true, tcpKeepAliveMs);
    if (!socket.connecting) return;
    const late = Object.assign(new Error(`no connection within ${connectTimeoutMs} ms`), { code: 'ETIMEDOUT' });
    const timer = setTimeout(() => sent.destroy(late), connectTimeoutMs);
    const done = () => clearTimeout(timer);
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', done);
    socket.once('close', done);
  });
}

function describe(request: HttpRequest): string {
  return `${request.method} ${pathOnly(request.path)}`;
}

export function pathOnly(path: string): string {
  return path.split('?', 1)[0] ?? path;
}
