import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiError } from '../kube/kube.ts';
import { untilAborted } from '../lib/abort.ts';
import { Scope } from '../lib/scope.ts';
import { wait } from '../lib/wait.ts';
import type { Forward } from '../project.ts';
import { findUpstream } from './find-upstream.ts';
import type { ForwardCluster } from './find-upstream.ts';
import { EarlyBytes, splice } from './splice.ts';

/** How soon is looked again for what no pod's change tells of: a Service that is made, a kubelet that answers again. */
const lookAgainMs = 500;

export interface ConnectionOptions {
  readonly rule: Forward;
  /** Resolves when there is a cluster to lead into. */
  readonly cluster: Promise<ForwardCluster>;
  /** How long a client is kept waiting for a pod. */
  readonly holdMs: number;
  readonly signal: AbortSignal;
}

/**
 * Serves one client to its end: holds it until a pod is ready, connects and copies both ways.
 *
 * @returns why the client got no answer; undefined when it got one, left by itself, or the signal was aborted.
 */
export async function serveClient(client: Socket, options: ConnectionOptions): Promise<string | undefined> {
  const early = new EarlyBytes(client);
  await using hold = new Hold(client, options);
  try {
    const found = await hold.connect();
    if (typeof found === 'string') return found || undefined;
    const { error, answered } = await splice(client, found, early, hold.signal);
    return error && !answered && !options.signal.aborted ? error.message : undefined;
  } finally {
    client.destroy();
  }
}

/** The time before a client is connected. It ends when the client leaves, when it has lasted too long, or at the abort. */
class Hold implements AsyncDisposable {
  readonly #client: Socket;
  readonly #options: ConnectionOptions;
  readonly #scope: Scope;
  readonly #timer: NodeJS.Timeout;
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
    this.#timer = setTimeout(() => void this.#scope[Symbol.asyncDispose](), options.holdMs);
    client.once('close', this.#leave);
    if (client.closed) this.#leave();
  }

  /** Aborted when the hold ends without a connection, or with what began it. */
  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  /** @returns the far side, or why there is none: the empty string when there is nobody left to tell. */
  async connect(): Promise<Duplex | string> {
    const { signal } = this.#scope;
    try {
      const cluster = await this.#patiently(untilAborted(this.#options.cluster, signal));
      for (;;) {
        const found = await this.#try(cluster);
        if (found !== undefined) {
          this.#stop();
          return found;
        }
        await this.#patiently(changeOrTime(cluster, signal));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      if (this.#left || this.#options.signal.aborted) return '';
      return `${this.#because}, for ${Math.round(this.#options.holdMs / 1000)} s`;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#scope[Symbol.asyncDispose]();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#client.off('close', this.#leave);
  }

  /** @returns undefined when it is worth trying again. */
  async #try(cluster: ForwardCluster): Promise<Duplex | string | undefined> {
    const { signal } = this.#scope;
    try {
      const upstream = await findUpstream(this.#options.rule, cluster, signal);
      if (upstream.kind === 'wrong') return upstream.because;
      if (upstream.kind === 'waiting') {
        this.#because = upstream.because;
        return undefined;
      }
      const { namespace, name, uid } = upstream.pod;
      return await cluster.kube.connect({ namespace, pod: name, uid }, upstream.port, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return error.message;
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

async function changeOrTime({ view }: ForwardCluster, signal: AbortSignal): Promise<void> {
  await using scope = new Scope(signal);
  let seen = false;
  const stop = view.subscribe(() => {
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
