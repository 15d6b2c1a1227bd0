import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Failure, isAbort } from '../errors.ts';
import { ApiError } from '../kube/kube.ts';
import { isNobodyThere } from '../kube/port-refusal.ts';
import { Scope } from '../lib/scope.ts';
import { wait } from '../lib/wait.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { Forward } from '../project.ts';
import { endWithPod } from './end-with-pod.ts';
import { declared, findUpstream } from './find-upstream.ts';
import { EarlyBytes, splice } from './splice.ts';
import type { Surroundings } from './surroundings.ts';
import type { Whereabouts } from './whereabouts.ts';

/** How soon is looked again for what no change tells of: a kubelet that answers again, a program that starts to listen. */
const lookAgainMs = 500;

/** How long a client waits for a ready pod before it is led to one that runs and is not ready. */
const unreadyAfterMs = 10_000;

export interface ConnectionOptions {
  readonly rule: Forward;
  readonly whereabouts: Whereabouts;
  /** How long a client is kept waiting for a pod. */
  readonly holdMs: number;
  readonly signal: AbortSignal;
}

/** What became of a client: `served` when it was connected to a pod, `left` when it did not wait for that. */
export type ClientEnd =
  | { readonly kind: 'served' }
  | { readonly kind: 'left' }
  | { readonly kind: 'refused'; readonly because: string };

/**
 * Serves one client to its end: holds it until a pod is ready, connects and copies both ways. A pod that refuses before it
 * took a byte is as good as none.
 *
 * An abort is no error: it is as if the client had left.
 */
export async function serveClient(client: Socket, options: ConnectionOptions): Promise<ClientEnd> {
  const early = new EarlyBytes(client);
  await using hold = new Hold(client, options);
  try {
    for (;;) {
      const found = await hold.connect();
      if (typeof found === 'string') return found === '' ? { kind: 'left' } : { kind: 'refused', because: found };
      const { error, answered, isIntact } = await splice(client, found.remote, early, hold.signal);
      found.release();
      if (!error || answered || options.signal.aborted) return { kind: 'served' };
      const { because, again } = refusalOf(error, found);
      if (isIntact && again && hold.takesBack(found, because)) continue;
      if (isIntact) client.resetAndDestroy();
      return { kind: 'refused', because };
    }
  } finally {
    client.destroy();
  }
}

interface Connected {
  readonly remote: Duplex;
  readonly pod: PodState;
  readonly port: number;
  /** Tells that nothing leads through the cluster's client any more. */
  readonly release: () => void;
}

/** The time before a client is answered. It ends when the client leaves, when it has lasted too long, or at the abort. */
class Hold implements AsyncDisposable {
  readonly #client: Socket;
  readonly #options: ConnectionOptions;
  readonly #scope: Scope;
  readonly #startedAt = performance.now();
  readonly #avoid = new Set<string>();
  #because = 'the cluster is not there yet';
  #left = false;
  readonly #leave = () => {
    this.#left = true;
    void this.#scope[Symbol.asyncDispose]();
  };

  constructor(client: Socket, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    this.#scope = new Scope(options.signal);
  }

  /** Aborted when the hold ends without a connection, or with what began it. */
  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  /** @returns the far side, or why there is none: the empty string when there is nobody left to tell. */
  async connect(): Promise<Connected | string> {
    const { signal } = this.#scope;
    const { holdMs, whereabouts } = this.#options;
    const timer = setTimeout(() => void this.#scope[Symbol.asyncDispose](), Math.max(0, holdMs - this.#lasted()));
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  #lasted(): number {
    return performance.now() - this.#startedAt;
  }

  /** @returns undefined when there is nothing to connect to for now. */
  async #try(surroundings: Surroundings): Promise<Connected | string | undefined> {
    const { rule } = this.#options;
    const { signal } = this.#scope;
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
    const { signal } = this.#scope;
    const release = this.#options.whereabouts.hold(surroundings);
    try {
      const ref = { namespace: pod.namespace, pod: pod.name, uid: pod.uid };
      const remote = await surroundings.cluster.kube.connect(ref, port, signal);
      endWithPod(remote, pod, surroundings.viewsOf(pod.namespace));
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

async function changeOrTime(whereabouts: Whereabouts, signal: AbortSignal): Promise<void> {
  await using scope = new Scope(signal);
  let seen = false;
  const stop = whereabouts.onChange(() => {
    seen = true;
    void scope[Symbol.asyncDispose]();
  });
  try {
    await wait(lookAgainMs, scope.signal);
  } catch (error) {
    if (!seen) throw error;
  } finally {
    stop();
  }
}

/**
 * Why the far side failed before it answered, and whether another try may get one: nobody listens (yet), or the pod went away
 * (`network namespace for sandbox … is closed`, says containerd).
 */
function refusalOf(error: Error, { pod, port }: Connected): { readonly because: string; readonly again: boolean } {
  const said = (error instanceof Failure ? error.detail : undefined) ?? error.message;
  if (isNobodyThere(said))
    return {
      because: `pod ${pod.name}: nothing listens on ${port}${hintFor(pod, port)}`,
      again: mayListenSoon(pod, port),
    };
  return { because: error.message, again: /is closed|not found|not running/i.test(said) };
}

/** A program that was started a moment ago may listen soon, unless its pod declares other ports only. */
function mayListenSoon({ containers }: PodState, port: number): boolean {
  const youngMs = 30_000;
  const declaring = containers.filter(({ ports }) => ports.length > 0);
  const candidates = declaring.length === 0 ? containers : declaring.filter((each) => has(each, port));
  return candidates.some(
    ({ state, startedAt }) => state !== 'running' || Date.now() - Date.parse(startedAt ?? '') < youngMs,
  );
}

function hintFor(pod: PodState, port: number): string {
  return pod.containers.some((each) => has(each, port)) ? ', which its container declares' : declared(pod);
}

function has({ ports }: PodState['containers'][number], port: number): boolean {
  return ports.some((each) => each.port === port);
}

/** @returns what the account of this context may not do; undefined for any other error. */
function forbidden(error: unknown): string | undefined {
  const refusal = error instanceof Failure ? error.cause : error;
  if (!(refusal instanceof ApiError) || (refusal.status !== 401 && refusal.status !== 403)) return undefined;
  const needs =
    refusal.status === 403 && refusal.path.includes('/portforward')
      ? ' (the account of this context needs `create` and `get` on pods/portforward)'
      : '';
  return `the cluster refuses it: ${refusal.message}${needs}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
