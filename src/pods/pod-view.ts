import { setMaxListeners } from 'node:events';
import { Failure } from '../errors.ts';
import { ApiError, LoginFailure } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import { abortError } from '../lib/abort.ts';
import { Scope } from '../lib/scope.ts';
import type { KubeObject } from '../objects.ts';
import { readPod } from './pod-state.ts';
import type { PodState } from './pod-state.ts';

/**
 * The pods that carry a label, as they are now, and every change to them. There is one view a session: sync, forward,
 * logs and wait read it, and nobody else watches pods. Disposing it ends its watches and awaits them.
 */
export interface PodView extends AsyncDisposable {
  /** All pods of all namespaces as last seen, the oldest first. */
  pods(): readonly PodState[];

  /** Called after the view has taken the change in, once a change, in their order. @returns the function that ends it. */
  subscribe(listener: (change: PodChange) => void): () => void;

  /** Resolves when every namespace has been listed once. Rejects as `until` does. */
  readonly synced: Promise<void>;

  /**
   * Resolves with the pods as soon as the view is synced and the predicate holds, looking again at every change.
   * Rejects with AbortError when the signal is aborted or the view is disposed, and with the view's Failure when the
   * cluster refuses to show pods.
   */
  until(predicate: (pods: readonly PodState[]) => boolean, signal: AbortSignal): Promise<readonly PodState[]>;
}

export type PodChange =
  /** `before` is undefined for a pod that the view sees for the first time. */
  | { readonly type: 'set'; readonly pod: PodState; readonly before: PodState | undefined }
  /** `pod` is the last that was seen of it. */
  | { readonly type: 'gone'; readonly pod: PodState };

export interface PodViewOptions {
  readonly kube: Kube;
  /** `all`: one watch of the whole cluster, those that are made later included. */
  readonly namespaces: readonly string[] | 'all';
  /** The empty one takes every pod. */
  readonly labelSelector: string;
  /** Ends the watches; dispose the view to await their end. */
  readonly signal: AbortSignal;
  /** The view may be old from now on; called once until `onResumed`, and once more where a person has to log in. */
  readonly onLost?: (cause: Error) => void;
  readonly onResumed?: () => void;
  /** The cluster refuses to show pods and trying again can't mend it: the view stays as it is for good. */
  readonly onFailed?: (failure: Failure) => void;
}

export function openPodView(options: PodViewOptions): PodView {
  return new LivePodView(options);
}

/** Stands for all namespaces where one is named; no namespace is called so. */
const everywhere = '*';

interface Seen {
  readonly pod: PodState;
  readonly version: string | undefined;
}

class LivePodView implements PodView {
  readonly synced: Promise<void>;
  readonly #options: PodViewOptions;
  readonly #scope: Scope;
  /** By namespace and name, since a name has one pod at a time. */
  readonly #seen = new Map<string, Seen>();
  /** What `pods` returned last, while it holds: hundreds of connections may ask at once. */
  #sorted: readonly PodState[] | undefined;
  readonly #listeners = new Set<(change: PodChange) => void>();
  readonly #unlisted: Set<string>;
  readonly #lost = new Set<string>();
  #needsLogin = false;
  readonly #end = new AbortController();
  #resolveSynced: () => void = () => {};

  constructor(options: PodViewOptions) {
    this.#options = options;
    this.#scope = new Scope(options.signal);
    this.#unlisted = new Set(options.namespaces === 'all' ? [everywhere] : options.namespaces);
    // Every log that is followed waits for its container here.
    setMaxListeners(0, this.#end.signal);
    this.synced = new Promise((resolve, reject) => {
      this.#resolveSynced = resolve;
      this.#end.signal.addEventListener('abort', () => reject(this.#end.signal.reason as Error), { once: true });
    });
    // Whoever awaits it gets the error; that nobody does is no fault.
    this.synced.catch(() => {});
    if (this.#unlisted.size === 0) this.#resolveSynced();
    for (const namespace of this.#unlisted)
      this.#scope.run(
        (signal) => this.#follow(namespace, signal),
        (error) => this.#fail(namespace, error),
      );
    const abort = () => this.#end.abort(abortError(this.#scope.signal));
    if (this.#scope.signal.aborted) abort();
    this.#scope.signal.addEventListener('abort', abort, { once: true });
  }

  pods(): readonly PodState[] {
    this.#sorted ??= [...this.#seen.values()].map(({ pod }) => pod).sort(byAge);
    return this.#sorted;
  }

  subscribe(listener: (change: PodChange) => void): () => void {
    // A wrapper of its own, so that the same function given twice is two subscriptions.
    const own = (change: PodChange) => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async until(predicate: (pods: readonly PodState[]) => boolean, signal: AbortSignal): Promise<readonly PodState[]> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        stop();
        signal.removeEventListener('abort', abort);
        this.#end.signal.removeEventListener('abort', fail);
        settle();
      };
      const look = () => {
        if (this.#unlisted.size > 0) return;
        const pods = this.pods();
        try {
          if (predicate(pods)) finish(() => resolve(pods));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const abort = () => finish(() => reject(abortError(signal)));
      const fail = () => finish(() => reject(this.#end.signal.reason as Error));
      const stop = this.subscribe(look);
      signal.addEventListener('abort', abort, { once: true });
      this.#end.signal.addEventListener('abort', fail, { once: true });
      if (signal.aborted) abort();
      else if (this.#end.signal.aborted) fail();
      else this.synced.then(look, () => {});
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  async #follow(namespace: string, signal: AbortSignal): Promise<void> {
    const { kube, labelSelector } = this.#options;
    const path = namespace === everywhere ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
    const events = kube.watch(labelSelector === '' ? { path } : { path, labelSelector }, signal);
    for await (const event of events) {
      if (event.type === 'lost') {
        this.#setLost(namespace, event.cause);
        continue;
      }
      if (event.type === 'list') this.#replace(namespace, event.objects);
      else if (event.type === 'set') this.#set(event.object);
      else this.#remove(keyOf(event.object), readPod(event.object));
      this.#setCurrent(namespace);
    }
  }

  /** What a list no longer has went away while nobody looked. */
  #replace(namespace: string, objects: readonly KubeObject[]): void {
    const there = new Set(objects.map((object) => object.metadata.uid));
    for (const [key, { pod }] of this.#seen)
      if ((namespace === everywhere || pod.namespace === namespace) && !there.has(pod.uid)) this.#remove(key, pod);
    for (const object of objects) this.#set(object);
    if (this.#unlisted.delete(namespace) && this.#unlisted.size === 0) this.#resolveSynced();
  }

  #set(object: KubeObject): void {
    const key = keyOf(object);
    const pod = readPod(object);
    const version = object.metadata.resourceVersion;
    const before = this.#seen.get(key);
    if (before && before.pod.uid !== pod.uid) {
      this.#remove(key, before.pod);
      this.#set(object);
      return;
    }
    if (before && version !== undefined && before.version === version) return;
    this.#seen.set(key, { pod, version });
    this.#tell({ type: 'set', pod, before: before?.pod });
  }

  #remove(key: string, pod: PodState): void {
    if (this.#seen.get(key)?.pod.uid !== pod.uid) return;
    this.#seen.delete(key);
    this.#tell({ type: 'gone', pod });
  }

  #tell(change: PodChange): void {
    this.#sorted = undefined;
    for (const listener of this.#listeners) listener(change);
  }

  #setLost(namespace: string, cause: Error): void {
    const isNews = this.#lost.size === 0 || (cause instanceof LoginFailure && !this.#needsLogin);
    this.#lost.add(namespace);
    if (!isNews) return;
    this.#needsLogin = cause instanceof LoginFailure;
    this.#options.onLost?.(cause);
  }

  #setCurrent(namespace: string): void {
    if (!this.#lost.delete(namespace) || this.#lost.size > 0) return;
    this.#needsLogin = false;
    this.#options.onResumed?.();
  }

  #fail(namespace: string, error: unknown): void {
    if (this.#end.signal.aborted) return;
    const refused = podsRefused(namespace === everywhere ? undefined : namespace, error);
    const failure =
      refused instanceof Failure
        ? refused
        : new Failure('bug', `the watch of the pods in ${namespace} broke: ${messageOf(error)}`, { cause: error });
    this.#end.abort(failure);
    this.#options.onFailed?.(failure);
  }
}

/**
 * @param namespace whose pods were asked for; undefined: those of all.
 * @returns the Failure for what the API server answers instead; any other error of a request as it is.
 */
export function podsRefused(namespace: string | undefined, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const account = 'the account of this context needs `get`, `list` and `watch` on pods, and `get` on pods/log';
  const pods = namespace === undefined ? 'the pods of all namespaces' : `the pods of namespace ${namespace}`;
  return new Failure('refused', `the cluster does not show ${pods}`, {
    where: namespace === undefined ? 'pods' : `pods in ${namespace}`,
    detail: error.message,
    next: namespace === undefined ? `${account}, in the whole cluster; or name namespaces with -n` : account,
    cause: error,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function byAge(a: PodState, b: PodState): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.namespace + a.name < b.namespace + b.name ? -1 : 1;
}
