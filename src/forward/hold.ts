import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Failure, isAbort } from '../errors.ts';
import { ApiError, LoginFailure } from '../kube/kube.ts';
import { abortError, LinkedSignal } from '../lib/abort.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { Forward } from '../project.ts';
import { endWithPod } from './end-with-pod.ts';
import { findUpstream } from './find-upstream.ts';
import type { Surroundings } from './surroundings.ts';
import type { Whereabouts } from './whereabouts.ts';

/** How soon is looked again for what no change tells of: a kubelet that answers again, a program that starts to listen. */
const lookAgainMs = 500;

/** How long a client waits for a ready pod before it is led to one that runs and is not ready. */
const unreadyAfterMs = 10_000;

export interface HoldOptions {
  readonly rule: Forward;
  readonly whereabouts: Whereabouts;
  /** How long a client is kept waiting for a pod. */
  readonly holdMs: number;
  readonly signal: AbortSignal;
}

export interface Connected {
  readonly remote: Duplex;
  readonly pod: PodState;
  readonly port: number;
  /** Tells that nothing leads through the cluster's client any more. */
  readonly release: () => void;
}

/** The time before a client is answered. It ends when the client leaves, when it has lasted too long, or at the abort. */
export class Hold implements Disposable {
  readonly #client: Socket;
  readonly #options: HoldOptions;
  readonly #ending: LinkedSignal;
  readonly #startedAt = performance.now();
  readonly #avoid = new Set<string>();
  #because = 'the cluster is not there yet';
  #left = false;
  readonly #leave = () => {
    this.#left = true;
    this.#end();
  };
  readonly #end = () => this.#ending.abort(new Error('the client is held no more'));

  constructor(client: Socket, options: HoldOptions) {
    this.#client = client;
    this.#options = options;
    this.#ending = new LinkedSignal(options.signal);
  }

  /** Aborted when the hold ends without a connection, or with what began it. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** @returns the far side, or why there is none: the empty string when there is nobody left to tell. */
  async connect(): Promise<Connected | string> {
    const { signal } = this;
    const { holdMs, whereabouts } = this.#options;
    const timer = setTimeout(this.#end, Math.max(0, holdMs - this.#lasted()));
    this.#client.once('close', this.#leave);
    if (this.#client.closed) this.#leave();
    try {
      for (;;) {
        signal.throwIfAborted();
        const surroundings = whereabouts.current;
        const found = surroundings && (await this.#try(surroundings));
        if (found !== undefined) return found;
        await this.#patiently(changeOrTime(whereabouts, signal));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      if (this.#left || this.#options.signal.aborted) return '';
      return `${this.#because}, for ${Math.round(holdMs / 1000)} s`;
    } finally {
      clearTimeout(timer);
      this.#client.off('close', this.#leave);
    }
  }

  /** @returns whether the client may wait for another pod, or for this one to listen. */
  takesBack({ pod }: Connected, because: string): boolean {
    if (this.#client.readableEnded || this.#lasted() >= this.#options.holdMs) return false;
    this.#avoid.add(pod.uid);
    this.#because = because;
    return true;
  }

  [Symbol.dispose](): void {
    this.#ending[Symbol.dispose]();
  }

  #lasted(): number {
    return performance.now() - this.#startedAt;
  }

  /** @returns undefined when there is nothing to connect to for now. */
  async #try(surroundings: Surroundings): Promise<Connected | string | undefined> {
    const { rule } = this.#options;
    const { signal } = this;
    try {
      for (;;) {
        const takesUnready = this.#lasted() >= unreadyAfterMs;
        const upstream = await findUpstream({ rule, avoid: this.#avoid, takesUnready }, surroundings, signal);
        if (upstream.kind === 'wrong') return upstream.because;
        if (upstream.kind === 'waiting') {
          this.#avoid.clear();
          this.#because = upstream.because ?? this.#because;
          return undefined;
        }
        const found = await this.#join(surroundings, upstream.pod, upstream.port);
        if (found) return found;
      }
    } catch (error) {
      if (signal.aborted) throw error;
      const refused = forbidden(error);
      if (refused !== undefined) return refused;
      // The session that had this cluster is over, and another one begins.
      if (!isAbort(error)) this.#because = messageOf(error);
      return undefined;
    }
  }

  /** @returns undefined when the pod left since it was chosen, or does not answer. @throws what no other pod can mend. */
  async #join(surroundings: Surroundings, pod: PodState, port: number): Promise<Connected | undefined> {
    const { signal } = this;
    const { whereabouts } = this.#options;
    const release = whereabouts.hold(surroundings);
    try {
      const ref = { namespace: pod.namespace, pod: pod.name, uid: pod.uid };
      const remote = await surroundings.cluster.kube.connect(ref, port, signal);
      endWithPod(remote, pod, whereabouts.gonePods);
      return { remote, pod, port, release };
    } catch (error) {
      release();
      if (signal.aborted || isAbort(error) || forbidden(error) !== undefined) throw error;
      this.#avoid.add(pod.uid);
      this.#because = messageOf(error);
      return undefined;
    }
  }

  /** While there is nothing to connect to, a client that ends its side has given up; later it may be a half-close. */
  async #patiently<T>(waiting: Promise<T>): Promise<T> {
    this.#client.once('end', this.#leave);
    if (this.#client.readableEnded) this.#leave();
    try {
      return await waiting;
    } finally {
      this.#client.off('end', this.#leave);
    }
  }
}

function changeOrTime(whereabouts: Whereabouts, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      stop();
      signal.removeEventListener('abort', abort);
      settle();
    };
    const change = () => finish(resolve);
    const abort = () => finish(() => reject(abortError(signal)));
    const timer = setTimeout(change, lookAgainMs);
    const stop = whereabouts.onChange(change);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

/** @returns what the account of this context may not do; undefined for any other error. */
function forbidden(error: unknown): string | undefined {
  if (error instanceof LoginFailure) return error.message;
  const refusal = error instanceof Failure ? error.cause : error;
  if (!(refusal instanceof ApiError) || refusal.status !== 403) return undefined;
  const needs = refusal.path.includes('/portforward')
    ? ' (the account of this context needs `create` and `get` on pods/portforward)'
    : '';
  return `the cluster refuses it: ${refusal.message}${needs}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
