import type { Kube } from '../kube/kube.ts';
import type { OnRead } from '../lib/on-read.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { SyncTarget } from '../sync/sync-target.ts';
import { type SyncFile, type SyncOutcome, Syncer } from '../sync/syncer.ts';
import type { ApplyLoop } from '../up/apply-loop.ts';
import type { PlannedService } from '../up/plan.ts';
import { findHeldBack, type HeldBack } from './back-off.ts';
import type { SyncDecision } from './decide.ts';
import type { SyncedRecord } from './synced-record.ts';

export interface ServiceSyncOptions {
  readonly kube: Kube;
  readonly view: PodView;
  readonly apply: ApplyLoop;
  readonly record: SyncedRecord;
  readonly onRead?: OnRead;
}

/** What became of containers that were new to a service. */
export interface Prepared {
  readonly service: string;
  readonly outcome: SyncOutcome;
  readonly containers: readonly SyncTarget[];
}

/**
 * Knows which containers a service's files go to: the running ones of its newest image. A container that turns up later
 * gets what changed since that image was built, before it counts as in sync.
 */
export class ServiceSync implements AsyncDisposable {
  readonly #options: ServiceSyncOptions;
  readonly #syncer: Syncer;
  /** By service, what the image being built will hold. */
  readonly #begun = new Map<string, number>();
  /** By service, the image that was the newest at the last look, and what containers of others were given before. */
  readonly #newest = new Map<string, string>();
  readonly #given = new Map<string, ReadonlyMap<string, readonly SyncFile[]>>();
  /** By service, the containers that were prepared. */
  readonly #prepared = new Map<string, string>();
  /** Services whose containers were asked once for what sessions before this one gave them. */
  readonly #recalled = new Set<string>();
  /** By service, the last change that a rebuild was asked for because a container is in back-off. */
  readonly #escalated = new Map<string, number>();

  constructor(options: ServiceSyncOptions) {
    this.#options = options;
    this.#syncer = new Syncer(options.kube, options.onRead);
  }

  /** An image is about to be built from the tree as it is from now on. */
  imageBegun(service: string): void {
    this.#begun.set(service, this.#syncer.checkpoint(service));
  }

  /**
   * That image is the newest: its containers need only what changed after it was begun. One that ran it when it was the
   * newest before, because no rollout replaced it, has what it was given then: that is brought to the state of the tree.
   */
  imageReady(service: string): void {
    const image = this.#options.apply.imageOf(service);
    const given = this.#givenBefore(service);
    this.#given.set(service, given);
    this.#syncer.resetDirty(service, this.#begun.get(service));
    const files = image === undefined ? undefined : given.get(image);
    if (files) this.#syncer.add({ service, files, removed: [] });
    if (image !== undefined) this.#newest.set(service, image);
  }

  /** @returns by image that pods still run, what its containers may have that the image has not. */
  #givenBefore(service: string): ReadonlyMap<string, readonly SyncFile[]> {
    const running = new Set(
      this.#options.view.pods().flatMap(({ containers }) => containers.map(({ image }) => image)),
    );
    const newest = this.#newest.get(service);
    const all = [...(this.#given.get(service) ?? [])];
    if (newest !== undefined) all.push([newest, this.#syncer.dirtyFiles(service)]);
    return new Map(all.filter(([image]) => running.has(image)));
  }

  /** What a service's containers lack of the tree: those that run get it with what is synced next, others at once. */
  lacks({ service, changed, removed }: SyncDecision): void {
    this.#syncer.add({ service, files: changed, removed });
  }

  /**
   * Brings a decision's files into the service's containers; into those that wait in back-off no file comes, so they ask
   * for a rebuild. @throws AbortError.
   */
  async sync({ service, changed, removed }: SyncDecision, signal: AbortSignal): Promise<SyncOutcome> {
    const targets = this.targets(service);
    this.#recall(service, targets);
    const synced = this.#syncer.sync({ service, files: changed, removed, targets, signal });
    this.#note(service, targets);
    // From the call on the files are in the dirty set.
    const escalation = this.#escalate(service);
    const outcome = this.#noted(service, await synced);
    return escalation ?? outcome;
  }

  /** Containers of the service's newest image that their nodes keep down. */
  heldBack(service: string): readonly HeldBack[] {
    const { view, apply } = this.#options;
    return findHeldBack(view.pods(), apply.imageOf(service));
  }

  /**
   * Opens the channels of containers that are new, and brings them what they lack. @returns the services that had new ones
   * and something to bring. @throws AbortError.
   */
  async prepare(signal: AbortSignal): Promise<readonly Prepared[]> {
    const { apply } = this.#options;
    const services = apply.plan.services.filter((planned) => planned.selected && this.#mayGetFiles(planned));
    const outcomes = await Promise.all(services.map(({ service }) => this.#prepareService(service.name, signal)));
    return outcomes.flatMap((prepared) => prepared ?? []);
  }

  /** Calls `listener` whenever a pod of the project changed. @returns the function that ends it. */
  onPods(listener: () => void): () => void {
    return this.#options.view.subscribe(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#syncer[Symbol.asyncDispose](), this.#options.record.written()]);
  }

  /** A channel costs a process in each container: none where the Dockerfile leaves nothing to sync, and nothing was. */
  #mayGetFiles({ service, rules }: PlannedService): boolean {
    if (service.sync.length > 0) return true;
    return service.autoSync && (rules.mayLand || this.#syncer.checkpoint(service.name) > 0);
  }

  async #prepareService(service: string, signal: AbortSignal): Promise<Prepared | undefined> {
    const escalation = this.#escalate(service);
    if (escalation) return { service, outcome: escalation, containers: [] };
    const targets = this.targets(service);
    const containers = targets.map(({ containerId }) => containerId).join(' ');
    const before = this.#prepared.get(service);
    if (before === containers) return undefined;
    this.#prepared.set(service, containers);
    this.#recall(service, targets);
    this.#note(service, targets);
    let outcome: SyncOutcome;
    try {
      outcome = this.#noted(service, await this.#syncer.prepare(service, targets, signal));
    } catch (error) {
      // Whoever was not prepared is new again at the next look.
      this.#prepared.delete(service);
      throw error;
    }
    if (outcome.kind === 'noContainers') return undefined;
    const known = before?.split(' ') ?? [];
    return { service, outcome, containers: targets.filter(({ containerId }) => !known.includes(containerId)) };
  }

  /** Who runs on since a session before has what was synced then, also what the tree has no more: it is made equal again. */
  #recall(service: string, targets: readonly SyncTarget[]): void {
    if (targets.length === 0 || this.#recalled.has(service)) return;
    this.#recalled.add(service);
    const before = this.#options.record.before(service);
    if (!before || !targets.some(({ containerId }) => before.containers.includes(containerId))) return;
    const known = new Set(this.#syncer.dirtyFiles(service).map(({ to }) => to));
    this.#syncer.add({ service, files: before.files.filter(({ to }) => !known.has(to)), removed: [] });
  }

  #note(service: string, targets: readonly SyncTarget[]): void {
    const files = this.#syncer.dirtyFiles(service);
    if (targets.length === 0 || files.length === 0) return;
    this.#options.record.note(service, { containers: targets.map(({ containerId }) => containerId), files });
  }

  /**
   * A container that crashes again and again on what its image holds, before or although it was brought in sync, gets what
   * was saved since by another image. Once a change: a build that fails, or whose image crashes as well, is for the next
   * save to mend.
   */
  #escalate(service: string): SyncOutcome | undefined {
    const [held] = this.heldBack(service);
    const seq = this.#syncer.checkpoint(service);
    const known = Math.max(this.#begun.get(service) ?? 0, this.#escalated.get(service) ?? 0);
    if (!held || seq <= known || !this.#syncer.isDirty(service)) return undefined;
    this.#escalated.set(service, seq);
    return { kind: 'needsRebuild', because: held.because, next: undefined };
  }

  /** Whoever could not be reached is new again at the next look. */
  #noted(service: string, outcome: SyncOutcome): SyncOutcome {
    if (outcome.kind === 'pending') this.#prepared.delete(service);
    return outcome;
  }

  /** The containers that a service's files go to now. */
  targets(service: string): readonly SyncTarget[] {
    const { view, apply } = this.#options;
    const image = apply.imageOf(service);
    return view.pods().flatMap(({ namespace, name, deleting, containers }) =>
      deleting
        ? []
        : containers.flatMap((container) => {
            const runs = !container.init && container.state === 'running' && container.image === image;
            return runs && container.containerId !== undefined
              ? [{ namespace, pod: name, container: container.name, containerId: container.containerId }]
              : [];
          }),
    );
  }
}
