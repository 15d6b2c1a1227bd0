import { type ApplySet, applySetId, idLabel, readApplySet } from '../deploy/apply-set.ts';
import { clusterFailure } from '../deploy/ask.ts';
import { explainUnready, podsOf } from '../deploy/explain-unready.ts';
import { groupKindOf, resourceOf } from '../deploy/kinds.ts';
import { canBeUnready } from '../deploy/readiness.ts';
import { SeenObjects } from '../deploy/seen-objects.ts';
import type { Unseen } from '../deploy/unseen.ts';
import { Warnings } from '../deploy/warnings.ts';
import { whatHolds } from '../deploy/what-holds.ts';
import { pathOf } from '../kube/api-path.ts';
import { ApiError, type Kube, type KubeResource } from '../kube/kube.ts';
import { Scope } from '../lib/scope.ts';
import { imagesOf } from '../manifests/images.ts';
import { partOfLabel } from '../manifests/own.ts';
import { podTemplateOf } from '../manifests/pod-template.ts';
import { idOf, keyOf, type KubeObject, type ObjectId, type ObjectStatus, projectLabel } from '../objects.ts';
import { openPodView, type PodView } from '../pods/pod-view.ts';
import type { Project } from '../project.ts';
import { portsOf } from './status-ports.ts';
import { serviceOf } from './sources.ts';

export interface WatchStatusOptions {
  readonly kube: Kube;
  readonly project: Project;
  /**
   * Called once all is known, and after every change; undefined: nothing is deployed.
   * @param unseen kinds of which there may be more, and that the account may not see.
   */
  readonly onStatus: (status: readonly ObjectStatus[] | undefined, unseen: readonly Unseen[]) => void;
  /** What was told may be old from now on; called once for each of the streams that it is made of. */
  readonly onLost?: (cause: unknown) => void;
  /** Called when all of them are back. */
  readonly onBack?: () => void;
  readonly signal: AbortSignal;
}

/**
 * Tells how what a project has in the cluster is, by its inventory, again after every change, until the abort: neither
 * manifests nor a session are needed. @throws Failure `unreachable`, `refused`, `guard` when the inventory is somebody else's; AbortError.
 */
export async function watchStatus(options: WatchStatusOptions): Promise<never> {
  try {
    return await new StatusWatch(options).run();
  } catch (error) {
    throw clusterFailure(error);
  }
}

/** Kinds that run pods and are ready as soon as they are written. */
const othersWithPods: ReadonlySet<string> = new Set(['CronJob.batch']);

class StatusWatch {
  readonly #options: WatchStatusOptions;
  readonly #seen: SeenObjects;
  readonly #warnings = new Warnings();
  /** Collections that were not listed yet. */
  readonly #unlisted = new Set<string>();
  readonly #followed = new Set<string>();
  /** By the path of the collection. */
  readonly #unseen = new Map<string, Unseen>();
  /** Streams that broke, and were not taken up again yet. */
  readonly #lost = new Set<string>();
  readonly #views = new Map<string, PodView>();
  #set: ApplySet | undefined;
  #isRead = false;
  /** Ends the watch; called only once it runs. */
  #fail: (error: unknown) => void = () => {};
  #pending = false;

  constructor(options: WatchStatusOptions) {
    this.#options = options;
    this.#seen = new SeenObjects(options.kube);
  }

  async run(): Promise<never> {
    const { signal, kube, project } = this.#options;
    const { namespace } = project.cluster;
    await using scope = new Scope(signal);
    return await new Promise<never>((_resolve, reject) => {
      this.#fail = reject;
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      if (signal.aborted) reject(signal.reason as Error);
      const labelSelector = `${idLabel}=${applySetId({ name: project.name, namespace })}`;
      scope.run(async (abort) => {
        await this.#open(scope, reject);
        const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`;
        // What is applied for the first time, or of a kind that is new, comes with a change of the inventory.
        for await (const event of kube.watch({ path, labelSelector }, abort))
          if (event.type === 'lost') this.#lose('', event.cause);
          else {
            this.#regain('');
            await this.#open(scope, reject);
          }
      }, reject);
    });
  }

  /** Reads the inventory, and follows what it names and nobody follows yet. */
  async #open(scope: Scope, onError: (error: unknown) => void): Promise<void> {
    const { kube, project } = this.#options;
    const ref = { name: project.name, namespace: project.cluster.namespace };
    const found = await readApplySet(kube, ref, scope.signal);
    const set = found?.isDeleted ? undefined : found;
    this.#set = set;
    const namespaces = set ? [set.namespace, ...set.namespaces] : [];
    const resources = await Promise.all([...(set?.kinds ?? [])].map((kind) => resourceOf(kube, kind, scope.signal)));
    for (const resource of resources) {
      if (!resource) continue;
      const places = resource.namespaced ? namespaces : [undefined];
      for (const namespace of places) {
        const path = pathOf(resource, { namespace });
        if (this.#followed.has(path)) continue;
        this.#followed.add(path);
        this.#unlisted.add(path);
        scope.run((signal) => this.#follow(resource, namespace, signal), onError);
      }
    }
    for (const namespace of namespaces) {
      if (this.#views.has(namespace)) continue;
      const labelSelector = `${projectLabel}=${project.name}`;
      const view = scope.own(
        openPodView({
          kube,
          namespaces: [namespace],
          labelSelector,
          signal: scope.signal,
          onLost: (cause) => this.#lose(namespace, cause),
          onResumed: () => this.#regain(namespace),
          onFailed: onError,
        }),
      );
      this.#views.set(namespace, view);
      this.#unlisted.add(namespace);
      scope.own(
        view.subscribe(() => this.#tell()),
        (stop) => stop(),
      );
      view.synced.then(
        () => this.#listed(namespace),
        () => {},
      );
      // Who reads this once reads why as well.
      const events = `events in ${namespace}`;
      this.#unlisted.add(events);
      const tell = () => this.#tell();
      const listed = () => this.#listed(events);
      scope.run((signal) => this.#warnings.follow(kube, namespace, tell, signal, listed), onError);
    }
    this.#isRead = true;
    this.#tell();
  }

  async #follow(resource: KubeResource, namespace: string | undefined, signal: AbortSignal): Promise<void> {
    const { kube, project } = this.#options;
    const { apiVersion, kind } = resource;
    const labelSelector = `${partOfLabel}=${applySetId({ name: project.name, namespace: project.cluster.namespace })}`;
    const collection = { apiVersion, kind, namespace };
    const path = pathOf(resource, { namespace });
    try {
      // Of other kinds it is only told that one goes: what Secrets hold stays where it is.
      for await (const event of kube.watch({ path, labelSelector, metadataOnly: !isShown(resource) }, signal)) {
        if (event.type === 'lost') {
          this.#lose(path, event.cause);
          continue;
        }
        this.#regain(path);
        this.#unseen.delete(path);
        await this.#seen.take(collection, event, signal);
        this.#listed(path);
      }
    } catch (error) {
      // A kind that this account may not see, or that has gone, does not keep the others from being shown.
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 404 && isShown(resource)) this.#unseen.set(path, { resource, namespace, refusal: error });
      this.#seen.forget(collection);
      // A change of the inventory is a reason to look again.
      this.#followed.delete(path);
      this.#regain(path);
      this.#listed(path);
    }
  }

  #lose(what: string, cause: unknown): void {
    this.#lost.add(what);
    this.#options.onLost?.(cause);
  }

  #regain(what: string): void {
    if (this.#lost.delete(what) && this.#lost.size === 0) this.#options.onBack?.();
  }

  #listed(what: string): void {
    this.#unlisted.delete(what);
    this.#tell();
  }

  /** What comes at once is told once. */
  #tell(): void {
    if (this.#pending) return;
    this.#pending = true;
    setImmediate(() => {
      this.#pending = false;
      const { signal, onStatus } = this.#options;
      if (signal.aborted || !this.#isRead || this.#unlisted.size > 0) return;
      try {
        onStatus(this.#set ? this.#status() : undefined, this.#set ? [...this.#unseen.values()] : []);
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #status(): readonly ObjectStatus[] {
    const shown = this.#objects().filter((object) => isGoing(object) || (object.kind !== 'Service' && isShown(object)));
    const { kept = [], refused = [] } = this.#set ?? {};
    const [keptKeys, refusedKeys] = [kept, refused].map((ids) => new Set(ids.map(keyOf)));
    const there = shown.map((object) => {
      const status = this.#statusOf(object);
      if (refusedKeys?.has(keyOf(status.id))) return { ...status, ready: false, because: changeRefused };
      return keptKeys?.has(keyOf(status.id)) && !isGoing(object)
        ? { ...status, ready: true, because: undefined, kept: true as const }
        : status;
    });
    const shownKeys = new Set(there.map(({ id }) => keyOf(id)));
    const others = refused.filter((id) => !shownKeys.has(keyOf(id)));
    return [...there, ...others.map(refusedStatus)].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  /** What others make of the project's objects is theirs to show. */
  #objects(): readonly KubeObject[] {
    return this.#seen.all().filter(({ metadata }) => !metadata.ownerReferences?.some(({ controller }) => controller));
  }

  #statusOf(object: KubeObject): ObjectStatus {
    const { project } = this.#options;
    const id = idOf(object);
    const all = [...this.#views.values()].flatMap((view) => view.pods());
    const pods = podsOf(id, all);
    const isBindingLater = this.#seen.bindsLater(id);
    const { kind, because } = explainUnready(id, { object, pods: all, warnings: this.#warnings });
    const images = imagesOf(object, project.podTemplates).map(({ container, image }) => {
      const runs = pods.flatMap((pod) =>
        pod.containers.filter(({ name }) => name === container).map((each) => each.image),
      );
      return { container, image, others: [...new Set(runs)].filter((each) => each !== image) };
    });
    const [service] = images.flatMap(({ image }) => serviceOf(project.services, image) ?? []);
    const services = this.#objects().filter((each) => each.kind === 'Service');
    const isReady = !isGoing(object) && (kind === 'ready' || isBindingLater);
    return {
      id,
      service,
      ready: isReady,
      because: isReady ? undefined : isGoing(object) ? whatHolds(object) : because,
      images,
      pods: countsOf(object, pods.filter(({ ready }) => ready).length),
      restarts: pods.flatMap(({ containers }) => containers).reduce((sum, { restarts }) => sum + restarts, 0),
      ports: portsOf(object, { project, service, services }),
      createdAt: object.metadata.creationTimestamp,
    };
  }
}

const changeRefused = 'what the manifests have now could not be written: `stormctl run` says why';

/** Of what the cluster has not got, or shows no state of. */
function refusedStatus(id: ObjectId): ObjectStatus {
  return {
    id,
    service: undefined,
    ready: false,
    because: changeRefused,
    images: [],
    pods: undefined,
    restarts: 0,
    ports: [],
    createdAt: undefined,
  };
}

function isGoing({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function isShown({ apiVersion, kind }: Pick<KubeResource, 'apiVersion' | 'kind'>): boolean {
  const id = { apiVersion, kind, name: '' };
  return canBeUnready(id) || othersWithPods.has(groupKindOf(id)) || (apiVersion === 'v1' && kind === 'Service');
}

/** @param ready how many of its pods are, for kinds whose status does not count them. */
function countsOf(object: KubeObject, ready: number): ObjectStatus['pods'] {
  if (!podTemplateOf(object) || object.kind === 'CronJob') return undefined;
  const status = (object['status'] ?? {}) as Readonly<Record<string, number | undefined>>;
  const spec = (object['spec'] ?? {}) as { readonly replicas?: number; readonly completions?: number };
  switch (object.kind) {
    case 'DaemonSet':
      return { ready: status['numberReady'] ?? 0, wanted: status['desiredNumberScheduled'] ?? 0 };
    case 'Job':
      return { ready: status['succeeded'] ?? 0, wanted: spec.completions ?? 1 };
    case 'Pod':
      return { ready, wanted: 1 };
    default:
      return { ready: status['readyReplicas'] ?? 0, wanted: spec.replicas ?? 1 };
  }
}

function nameOf({ id }: ObjectStatus): string {
  return `${id.namespace ?? ''}/${id.kind}/${id.name}`;
}
