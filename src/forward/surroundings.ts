import { isNotFound, type Kube } from '../kube/kube.ts';
import { abortError, untilAborted } from '../lib/abort.ts';
import { Scope } from '../lib/scope.ts';
import type { PodState } from '../pods/pod-state.ts';
import { openPodView, type PodChange, type PodView } from '../pods/pod-view.ts';
import type { ForwardTarget } from '../project.ts';

/** The cluster that forwards lead into. */
export interface ForwardCluster {
  readonly kube: Kube;
  readonly view: PodView;
  /** Whether the view has every pod of its namespaces, and not only the project's. */
  readonly seesAll: boolean;
  namespaceOf(target: ForwardTarget): string;
}

/**
 * What a cluster has behind the targets of forwards, kept current by watches so that a new client need not wait for an
 * answer of the API server: its Services, and pods that are not the project's. Nothing is asked before it is looked for.
 */
export class Surroundings implements AsyncDisposable {
  readonly cluster: ForwardCluster;
  readonly #scope = new Scope();
  readonly #services = new Map<string, ServiceList>();
  readonly #views = new Map<string, PodView>();
  /** Those whose pods have been listed. */
  readonly #synced = new WeakSet<PodView>();
  readonly #listeners = new Set<() => void>();
  readonly #podListeners = new Set<(change: PodChange) => void>();
  readonly #tell = () => {
    for (const listener of this.#listeners) listener();
  };

  constructor(cluster: ForwardCluster) {
    this.cluster = cluster;
    this.#follow(cluster.view);
  }

  /** Calls back at every change of a pod or Service that may lead somewhere. @returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back at every change of a pod that is looked at, until the end. */
  onPod(listener: (change: PodChange) => void): void {
    this.#podListeners.add(listener);
  }

  /** @returns a Service as it is now. @throws ApiError when the cluster does not show Services; AbortError. */
  async service(namespace: string, name: string, signal: AbortSignal): Promise<RawService | undefined> {
    let list = this.#services.get(namespace);
    if (!list) {
      list = new ServiceList(this.cluster.kube, namespace, this.#scope, this.#tell);
      this.#services.set(namespace, list);
    }
    return list.find(name, signal);
  }

  /**
   * The pods of a namespace that `matches`, the oldest first. Where none of the project's does, those of others are looked
   * through: an operator's, or what somebody else deployed.
   *
   * @throws Failure when the cluster does not show pods; AbortError.
   */
  async pods(
    namespace: string,
    matches: (pod: PodState) => boolean,
    signal: AbortSignal,
  ): Promise<readonly PodState[]> {
    const { view, seesAll } = this.cluster;
    const find = (pods: readonly PodState[]) => pods.filter((pod) => pod.namespace === namespace && matches(pod));
    await this.#sync(view, signal);
    const own = find(view.pods());
    if (own.length > 0 || seesAll) return own;
    const wide = this.#viewOf(namespace);
    await this.#sync(wide, signal);
    return find(wide.pods());
  }

  /** Whether a pod is there, as far as is known already. */
  sees({ namespace, uid }: PodState): boolean {
    const views = [this.cluster.view, this.#views.get(namespace)];
    return views.some((view) => view?.pods().some((pod) => pod.uid === uid) === true);
  }

  /** Whether a pod is there, and runs or may run. @throws as `pods`; AbortError at the end of this, too. */
  async has({ namespace, uid }: PodState): Promise<boolean> {
    const found = await this.pods(namespace, (pod) => pod.uid === uid, this.#scope.signal);
    return found.some((pod) => !isOver(pod));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  #viewOf(namespace: string): PodView {
    const known = this.#views.get(namespace);
    if (known) return known;
    const { kube } = this.cluster;
    const { signal } = this.#scope;
    const view = this.#scope.own(openPodView({ kube, namespaces: [namespace], labelSelector: '', signal }));
    this.#follow(view);
    this.#views.set(namespace, view);
    return view;
  }

  #follow(view: PodView): void {
    const stop = view.subscribe((change) => {
      for (const listener of this.#podListeners) listener(change);
      this.#tell();
    });
    this.#scope.own(stop, (end) => end());
  }

  /** Resolves when a view has listed its pods: at once where that is known. */
  async #sync(view: PodView, signal: AbortSignal): Promise<void> {
    if (this.#synced.has(view)) return;
    await untilAborted(view.synced, signal);
    this.#synced.add(view);
  }
}

/** Whether no container of it runs again. */
export function isOver({ phase }: PodState): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** The Services of one namespace. Where they may not be watched, each is asked for when it is wanted. */
class ServiceList {
  readonly #kube: Kube;
  readonly #namespace: string;
  readonly #known = new Map<string, RawService>();
  /** Resolves when they were listed, or can't be. */
  readonly #tried: Promise<void>;
  readonly #ended: AbortSignal;
  #isWatched = false;

  constructor(kube: Kube, namespace: string, scope: Scope, onChange: () => void) {
    this.#kube = kube;
    this.#namespace = namespace;
    this.#ended = scope.signal;
    this.#tried = new Promise((resolve) => {
      const changed = () => {
        resolve();
        onChange();
      };
      // At the end of it all too: a client that waits here is led into the next cluster. After a refusal each Service is
      // asked for, and whoever asks is told.
      scope.run(
        (signal) => this.#follow(changed, signal).finally(resolve),
        () => {},
      );
    });
  }

  async find(name: string, signal: AbortSignal): Promise<RawService | undefined> {
    if (!this.#isWatched) await untilAborted(this.#tried, signal);
    if (this.#ended.aborted) throw abortError(this.#ended);
    if (this.#isWatched) return this.#known.get(name);
    try {
      const path = `${this.#path}/${encodeURIComponent(name)}`;
      return await this.#kube.request<RawService>({ method: 'GET', path, signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #follow(changed: () => void, signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#kube.watch({ path: this.#path }, signal)) {
        if (event.type === 'lost') continue;
        if (event.type === 'list') this.#known.clear();
        for (const object of event.type === 'list' ? event.objects : [event.object])
          if (event.type === 'gone') this.#known.delete(object.metadata.name);
          else this.#known.set(object.metadata.name, object);
        this.#isWatched = true;
        changed();
      }
    } finally {
      this.#isWatched = false;
    }
  }

  get #path(): string {
    return `/api/v1/namespaces/${encodeURIComponent(this.#namespace)}/services`;
  }
}

/** The fields of a Service that are read. https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/ */
export interface RawService {
  readonly kind?: string;
  readonly spec?: {
    readonly type?: string;
    readonly externalName?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly publishNotReadyAddresses?: boolean;
    readonly ports?: readonly RawServicePort[];
  };
}

interface RawServicePort {
  readonly name?: string;
  readonly appProtocol?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly targetPort?: number | string;
}
