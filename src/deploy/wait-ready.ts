import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import { ApiError, type Kube, LoginFailure } from '../kube/kube.ts';
import { Scope } from '../lib/scope.ts';
import { wait } from '../lib/wait.ts';
import { keyOf, projectLabel } from '../objects.ts';
import type { KubeObject, ObjectId } from '../objects.ts';
import { unpullable } from '../pods/explain-pod.ts';
import { openPodView } from '../pods/pod-view.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import { clusterFailure } from './ask.ts';
import type { CompletedJobs } from './completed-jobs.ts';
import { type Explained, explainUnready, podsOf } from './explain-unready.ts';
import { FreshRuns } from './fresh-runs.ts';
import { mapLimited } from '../lib/map-limited.ts';
import { readEvidence } from './pod-evidence.ts';
import { canBeUnready, isAwaited, isCustom } from './readiness.ts';
import { SeenObjects } from './seen-objects.ts';
import { Warnings } from './warnings.ts';

export interface WaitOptions {
  readonly kube: Kube;
  /** What was applied, with their namespaces. */
  readonly objects: readonly ObjectId[];
  readonly signal: AbortSignal;
  /** undefined: for as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly report: Reporter;
  /** What is known of Jobs that the cluster removes by itself. */
  readonly jobs?: CompletedJobs | undefined;
  /** The session's; without one the wait watches the project's pods itself. */
  readonly pods?: PodView;
  /** What helps a workload that is waited for: asked at every look, done beside the wait, which fails and ends with it. */
  readonly help?: Help;
}

/** @param pods those that the workload made. @returns what is to be done now, if anything. */
type Help = (workload: KubeObject, pods: readonly PodState[]) => ((signal: AbortSignal) => Promise<void>) | undefined;

export type WaitResult = { readonly ready: true } | { readonly ready: false; readonly notReady: readonly NotReady[] };

export interface NotReady {
  readonly id: ObjectId;
  readonly because: string;
  /** Waiting longer would not have made it ready: a Job that failed. */
  readonly isFinal: boolean;
  /** The image that can't be pulled, if that is why. */
  readonly unpulled?: string | undefined;
  /** The last lines of a container that crashed, or the warnings about its pod that say more. */
  readonly detail: string | undefined;
}

/**
 * Resolves when every object is ready, told by watches (a ConfigMap is as soon as it is there); before that when the time
 * is over, or when what is not ready has failed for good (a Job). Each object is reported when it becomes ready, and why
 * it is not when that changes. The wait itself writes nothing.
 *
 * @throws Failure `unreachable`; `refused` when the cluster does not show the objects; AbortError.
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
/** For what no event tells: that a usual step lasts, and that a container has run for a moment. */
const lookEveryMs = 250;
/** What is ready at once needs no explanation. */
const explainAfterMs = 1000;

class ReadyWait {
  readonly #options: WaitOptions;
  readonly #started = performance.now();
  readonly #ids: Map<string, ObjectId>;
  readonly #seen: SeenObjects;
  /** Why each object is not ready, or the empty string, and since when, by `performance.now()`. */
  readonly #current = new Map<string, { readonly because: string; readonly since: number }>();
  /** What of that was reported last. */
  readonly #told = new Map<string, { readonly because: string; readonly isUsual: boolean }>();
  readonly #warnings = new Warnings();
  readonly #freshRuns = new FreshRuns();
  #pods: PodView | undefined;
  /** Whether the pods were listed, or can't be: before that they say nothing of what has failed already. */
  #arePodsListed = false;

  constructor(options: WaitOptions) {
    this.#options = options;
    this.#seen = new SeenObjects(options.kube);
    this.#ids = new Map(options.objects.filter(canBeUnready).map((id) => [keyOf(id), id]));
  }

  async run(): Promise<WaitResult> {
    const { signal, kube } = this.#options;
    signal.throwIfAborted();
    const waited = [...this.#ids.values()];
    if (waited.length === 0) return { ready: true };
    await using scope = new Scope(signal);
    const namespaces = [...new Set(waited.flatMap(({ namespace }) => namespace ?? []))];
    this.#pods =
      this.#options.pods ??
      scope.own(openPodView({ kube, namespaces, labelSelector: projectLabel, signal: scope.signal }));
    await this.#settle(scope, waited);
    signal.throwIfAborted();
    return await this.#result(signal);
  }

  /** Resolves when nothing is to be waited for any more, or the time is over. */
  #settle(scope: Scope, waited: readonly ObjectId[]): Promise<void> {
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const look = () => {
        this.#help(scope, reject);
        if (this.#look()) resolve();
      };
      scope.signal.addEventListener('abort', () => reject(scope.signal.reason), { once: true });
      if (this.#pods) scope.own(this.#pods.subscribe(look), (unsubscribe) => unsubscribe());
      const listed = () => {
        this.#arePodsListed = true;
        if (!scope.signal.aborted) look();
      };
      this.#pods?.synced.then(listed, listed);
      const { jobs } = this.#options;
      if (jobs) scope.own(jobs.subscribe(look), (unsubscribe) => unsubscribe());
      const collections = new Map(waited.map((id) => [keyOf({ ...id, name: '' }), id]));
      for (const one of collections.values())
        scope.run(
          (signal) => this.#follow(one, look, signal),
          (error) => {
            if (!isCustom(one) || !(error instanceof ApiError)) return reject(error);
            // Who may write objects of a kind that others define may not be let to watch them: that is no failure of these.
            for (const [key, id] of this.#ids)
              if (keyOf({ ...id, name: '' }) === keyOf({ ...one, name: '' })) this.#ids.delete(key);
            look();
          },
        );
      scope.run((signal) => lookEvery(lookEveryMs, look, signal), reject);
      const namespaces = new Set(waited.flatMap(({ namespace }) => namespace ?? []));
      for (const namespace of namespaces)
        scope.run(async (signal) => {
          await wait(explainAfterMs, signal);
          await this.#warnings.follow(this.#options.kube, namespace, look, signal);
        }, reject);
      if (timeoutMs !== undefined) scope.run((signal) => wait(timeoutMs, signal).then(resolve), reject);
    });
  }

  /** Keeps what is seen of one kind in one namespace up to date. */
  async #follow({ apiVersion, kind, namespace }: ObjectId, look: () => void, signal: AbortSignal): Promise<void> {
    const { kube } = this.#options;
    const path = pathOf(await kube.resource(apiVersion, kind, signal), { namespace });
    for await (const event of kube.watch({ path, labelSelector: projectLabel }, signal)) {
      if (event.type === 'lost' && event.cause instanceof LoginFailure) throw event.cause;
      if (event.type === 'lost') continue;
      await this.#seen.take({ apiVersion, kind, namespace }, event, signal);
      look();
    }
  }

  #help(scope: Scope, onError: (error: unknown) => void): void {
    for (const id of this.#ids.values()) {
      const workload = this.#seen.find(id);
      const task = workload && this.#options.help?.(workload, podsOf(id, this.#pods?.pods() ?? []));
      if (task) scope.run(task, onError);
    }
  }

  /** Reports what is new. @returns whether nothing is left that waiting could make ready. */
  #look(): boolean {
    let isOver = true;
    for (const [key, id] of this.#ids) {
      if (!this.#seen.isListed(id) || !this.#arePodsListed) {
        isOver = false;
        continue;
      }
      const state = this.#stateOf(id);
      if (state.kind === 'waiting') isOver = false;
      this.#tell(key, id, state);
    }
    return isOver;
  }

  #tell(key: string, object: ObjectId, { kind, because, brief, usual }: Explained): void {
    const { report } = this.#options;
    const now = performance.now();
    const current = this.#current.get(key);
    const since = current?.because === because ? current.since : now;
    this.#current.set(key, { because, since });
    const isUsual = usual && now - since < usualForMs;
    const told = this.#told.get(key);
    if (told?.because === because && told.isUsual === isUsual) return;
    // What was ready stays so until something more than a usual step is the matter with it: a run that blips is told once.
    if (told?.because === '' && isUsual) return;
    this.#told.set(key, { because, isUsual });
    if (kind === 'ready') report({ type: 'deploy.ready', object, ms: now - this.#started });
    else report({ type: 'deploy.waiting', object, because, ...(brief === undefined ? {} : { brief }), usual: isUsual });
  }

  #stateOf(id: ObjectId): Explained {
    const { jobs } = this.#options;
    const isFollowed = jobs?.isFollowed(id) ?? false;
    if (this.#seen.bindsLater(id) || (jobs?.isDone(id) && !isFollowed))
      return { kind: 'ready', because: '', brief: undefined, usual: false, trouble: undefined };
    const pods = this.#pods?.pods() ?? [];
    const object = this.#seen.find(id);
    const explained = explainUnready(id, { object, pods, warnings: this.#warnings });
    if (object && !isAwaited(object)) return explained;
    if (isFollowed && (explained.kind === 'ready' || jobs?.isDone(id)))
      return { ...explained, kind: 'waiting', because: 'that it completed is not noted yet', usual: true };
    const fresh = explained.kind === 'ready' ? this.#freshRuns.find(id, podsOf(id, pods)) : undefined;
    if (!fresh) return explained;
    const trouble = this.#warnings.refine(fresh);
    const { because, brief, usual } = trouble;
    return { kind: 'waiting', because, brief, usual, trouble };
  }

  async #result(signal: AbortSignal): Promise<WaitResult> {
    const unready = [...this.#ids.values()].filter((id) => this.#stateOf(id).kind !== 'ready');
    if (unready.length === 0) return { ready: true };
    const notReady = await mapLimited(unready, 10, async (id) => {
      const { kind, trouble, because } = this.#stateOf(id);
      const detail = trouble && (await readEvidence(this.#options.kube, { ...trouble, because }, signal));
      const unpulled = trouble?.brief === unpullable ? trouble.container?.image : undefined;
      return { id, because, isFinal: kind === 'failed', detail, ...(unpulled === undefined ? {} : { unpulled }) };
    });
    return { ready: false, notReady };
  }
}

async function lookEvery(ms: number, look: () => void, signal: AbortSignal): Promise<void> {
  for (;;) {
    await wait(ms, signal);
    look();
  }
}
