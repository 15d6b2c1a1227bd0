import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube } from '../kube/kube.ts';
import { Scope } from '../lib/scope.ts';
import { wait } from '../lib/wait.ts';
import { keyOf, projectLabel } from '../objects.ts';
import type { KubeObject, ObjectId } from '../objects.ts';
import { openPodView } from '../pods/pod-view.ts';
import type { PodView } from '../pods/pod-view.ts';
import { clusterFailure } from './ask.ts';
import { bindsLater } from './binds-later.ts';
import { explainPods } from '../pods/explain-pod.ts';
import type { PodTrouble } from '../pods/explain-pod.ts';
import { mapLimited } from './map-limited.ts';
import { readEvidence } from './pod-evidence.ts';
import { canBeUnready, readinessOf } from './readiness.ts';
import type { Readiness } from './readiness.ts';

export interface WaitOptions {
  readonly kube: Kube;
  /** What was applied, with their namespaces. */
  readonly objects: readonly ObjectId[];
  readonly signal: AbortSignal;
  /** undefined: for as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly report: Reporter;
  /** The session's; without one the wait watches the project's pods itself. */
  readonly pods?: PodView;
}

export type WaitResult = { readonly ready: true } | { readonly ready: false; readonly notReady: readonly NotReady[] };

export interface NotReady {
  readonly id: ObjectId;
  readonly because: string;
  /** The last lines of a container that crashed, or the warnings about its pod. */
  readonly detail: string | undefined;
}

/**
 * Resolves when every object is ready, told by watches (a ConfigMap is as soon as it is there); before that when the time
 * is over, or when what is not ready has failed for good (a Job). Each object is reported when it becomes ready, and why
 * it is not when that changes.
 *
 * @throws Failure `unreachable` when the cluster does not show the objects; AbortError.
 */
export async function waitReady(options: WaitOptions): Promise<WaitResult> {
  try {
    return await new ReadyWait(options).run();
  } catch (error) {
    throw clusterFailure(error);
  }
}

/** How long a step that every start takes goes without saying. */
const usualForMs = 5000;
const lookAgainMs = 1000;

interface Explained {
  readonly kind: Readiness['kind'];
  readonly because: string;
  readonly usual: boolean;
}

interface Told {
  readonly because: string;
  readonly since: number;
  readonly isUsual: boolean;
}

class ReadyWait {
  readonly #options: WaitOptions;
  readonly #started = performance.now();
  readonly #ids: ReadonlyMap<string, ObjectId>;
  readonly #seen = new Map<string, KubeObject>();
  /** Collections that were listed once: before that nothing can be said of what is in them. */
  readonly #listed = new Set<string>();
  /** Claims that are bound only when a pod uses them, which may be never. */
  readonly #bindLater = new Set<string>();
  /** What was reported last of each object: why it is not ready, or the empty string. */
  readonly #told = new Map<string, Told>();
  #pods: PodView | undefined;

  constructor(options: WaitOptions) {
    this.#options = options;
    this.#ids = new Map(options.objects.filter(canBeUnready).map((id) => [keyOf(id), id]));
  }

  async run(): Promise<WaitResult> {
    const { signal, kube } = this.#options;
    signal.throwIfAborted();
    const waited = [...this.#ids.values()];
    if (waited.length === 0) return { ready: true };
    await using scope = new Scope(signal);
    const namespaces = [...new Set(waited.map(({ namespace }) => namespace ?? ''))];
    this.#pods =
      this.#options.pods ??
      scope.own(openPodView({ kube, namespaces, labelSelector: projectLabel, signal: scope.signal }));
    await this.#settle(scope, waited);
    signal.throwIfAborted();
    return this.#result(signal);
  }

  /** Resolves when nothing is to be waited for any more, or the time is over. */
  #settle(scope: Scope, waited: readonly ObjectId[]): Promise<void> {
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#look()) resolve();
      };
      scope.signal.addEventListener('abort', () => reject(scope.signal.reason), { once: true });
      if (this.#pods) scope.own(this.#pods.subscribe(look), (unsubscribe) => unsubscribe());
      const collections = new Map(waited.map((id) => [keyOf({ ...id, name: '' }), id]));
      for (const one of collections.values()) scope.run((signal) => this.#follow(one, look, signal), reject);
      scope.run((signal) => lookEvery(lookAgainMs, look, signal), reject);
      if (timeoutMs !== undefined) scope.run((signal) => wait(timeoutMs, signal).then(resolve), reject);
    });
  }

  /** Keeps what is seen of one kind in one namespace up to date. */
  async #follow({ apiVersion, kind, namespace }: ObjectId, look: () => void, signal: AbortSignal): Promise<void> {
    const { kube } = this.#options;
    const path = pathOf(await kube.resource(apiVersion, kind, signal), { namespace });
    const keyFor = (name: string) => keyOf({ apiVersion, kind, namespace, name });
    for await (const event of kube.watch({ path, labelSelector: projectLabel }, signal)) {
      if (event.type === 'lost') continue;
      if (event.type === 'list') {
        this.#listed.add(keyFor(''));
        for (const key of this.#seen.keys()) if (key.startsWith(keyFor(''))) this.#seen.delete(key);
      }
      for (const object of event.type === 'list' ? event.objects : [event.object]) {
        const key = keyFor(object.metadata.name);
        // A typed list names the kind once, not on every item.
        if (event.type === 'gone') this.#seen.delete(key);
        else this.#seen.set(key, { ...object, apiVersion, kind });
        if (kind === 'PersistentVolumeClaim' && (await bindsLater(kube, object, signal))) this.#bindLater.add(key);
      }
      look();
    }
  }

  /** Reports what is new. @returns whether nothing is left that waiting could make ready. */
  #look(): boolean {
    let isOver = true;
    for (const [key, id] of this.#ids) {
      if (!this.#listed.has(keyOf({ ...id, name: '' }))) {
        isOver = false;
        continue;
      }
      const state = this.#stateOf(key, id);
      if (state.kind === 'waiting') isOver = false;
      this.#tell(key, id, state);
    }
    return isOver;
  }

  #tell(key: string, object: ObjectId, { kind, because, usual }: Explained): void {
    const { report } = this.#options;
    const now = performance.now();
    const told = this.#told.get(key);
    const since = told?.because === because ? told.since : now;
    const isUsual = usual && now - since < usualForMs;
    if (told?.because === because && told.isUsual === isUsual) return;
    this.#told.set(key, { because, since, isUsual });
    if (kind === 'ready') report({ type: 'deploy.ready', object, ms: now - this.#started });
    else report({ type: 'deploy.waiting', object, because, usual: isUsual });
  }

  #stateOf(key: string, id: ObjectId): Explained {
    const ready = { kind: 'ready', because: '', usual: false } as const;
    if (this.#bindLater.has(key)) return ready;
    const object = this.#seen.get(key);
    const state: Readiness = object ? readinessOf(object) : { kind: 'waiting', because: 'it is not there yet' };
    if (state.kind === 'ready') return ready;
    const trouble = this.#troubleOf(id);
    const usual = state.kind === 'waiting' && (trouble?.usual ?? true);
    return { kind: state.kind, because: trouble?.because ?? state.because, usual };
  }

  #troubleOf({ kind, namespace, name }: ObjectId): PodTrouble | undefined {
    const pods = this.#pods?.pods() ?? [];
    return explainPods(
      pods.filter((pod) => pod.namespace === namespace && pod.workload.kind === kind && pod.workload.name === name),
    );
  }

  async #result(signal: AbortSignal): Promise<WaitResult> {
    const unready = [...this.#ids].filter(([key, id]) => this.#stateOf(key, id).kind !== 'ready');
    if (unready.length === 0) return { ready: true };
    const notReady = await mapLimited(unready, 10, async ([key, id]) => {
      const trouble = this.#troubleOf(id);
      const detail = trouble && (await readEvidence(this.#options.kube, trouble, signal));
      return { id, because: this.#stateOf(key, id).because, detail };
    });
    return { ready: false, notReady };
  }
}

/** What no event tells: that a usual step lasts. */
async function lookEvery(ms: number, look: () => void, signal: AbortSignal): Promise<void> {
  for (;;) {
    await wait(ms, signal);
    look();
  }
}
