import type { Kube } from '../kube/kube.ts';
import type { OnRead } from '../lib/on-read.ts';
import { DirtySet } from './dirty-set.ts';
import { planOnce } from './file-step.ts';
import { type CatchUp, type Refused, SyncedContainer } from './synced-container.ts';
import type { SyncTarget } from './sync-target.ts';

/** A local file and where a rule puts it. Both `to` and `root`, the rule's destination, are absolute in the container. */
export interface SyncFile {
  /** Absolute. */
  readonly from: string;
  readonly to: string;
  readonly root: string;
  /** What it gets there; default: its own. */
  readonly mode?: number;
  /** Its executable bits are not what they were before this change. */
  readonly modeChanged?: boolean;
  /** The Dockerfile does not copy it: containers of every later image have to be given it too. */
  readonly notInImage?: true;
}

export interface SyncRequest {
  readonly service: string;
  readonly files: readonly SyncFile[];
  readonly removed: readonly Omit<SyncFile, 'mode' | 'modeChanged'>[];
  /** Every running container of the service that should have the files. */
  readonly targets: readonly SyncTarget[];
  readonly signal: AbortSignal;
}

export type SyncOutcome =
  /** Each container answered for every file, with its hash. `ms`: from the call to the last answer. */
  | { readonly kind: 'synced'; readonly files: number; readonly containers: number; readonly ms: number }
  /** A container can't take them: only another image brings them. */
  | Refused<'needsRebuild'>
  /** A container, or the way to it, went away. Whoever is prepared in its place gets the `files` that the others have. */
  | { readonly kind: 'pending'; readonly because: string; readonly files: number }
  /** Nobody to send to; whoever is prepared later gets the files. */
  | { readonly kind: 'noContainers' };

interface ServiceState {
  readonly dirty: DirtySet;
  readonly containers: Map<string, SyncedContainer>;
}

/**
 * Keeps the containers of every service equal to the tree, as far as rules reach: what changed since their image was
 * built is the service's dirty set, and each container gets what it lacks of it, at once or when it appears.
 */
export class Syncer implements AsyncDisposable {
  readonly #kube: Kube;
  readonly #onRead: OnRead | undefined;
  readonly #services = new Map<string, ServiceState>();

  constructor(kube: Kube, onRead?: OnRead) {
    this.#kube = kube;
    this.#onRead = onRead;
  }

  /**
   * Opens a channel into each container before it is needed, and resolves when each has the whole dirty set: `targets` are
   * all the running containers of the service, and channels into others are closed.
   *
   * @throws AbortError on abort.
   */
  async prepare(service: string, targets: readonly SyncTarget[], signal: AbortSignal): Promise<SyncOutcome> {
    const { containers } = this.#service(service);
    const ids = new Set(targets.map(({ containerId }) => containerId));
    const left = [...containers.values()].filter(({ target }) => !ids.has(target.containerId));
    for (const { target } of left) containers.delete(target.containerId);
    const [outcome] = await Promise.all([
      this.#catchUp(service, targets, signal),
      ...left.map((container) => container[Symbol.asyncDispose]()),
    ]);
    return outcome;
  }

  /**
   * Brings files to the containers, and removes what was removed, in all of them in parallel. Whatever the outcome, and
   * on an abort too, the files are in the dirty set from the call on. A local file that has gone is a removal.
   *
   * @throws AbortError on abort.
   */
  sync({ service, files, removed, targets, signal }: SyncRequest): Promise<SyncOutcome> {
    this.add({ service, files, removed });
    return this.#catchUp(service, targets, signal);
  }

  /** Puts files into the dirty set: whoever is prepared from now on gets them. */
  add({ service, files, removed }: Pick<SyncRequest, 'service' | 'files' | 'removed'>): void {
    const { dirty } = this.#service(service);
    for (const { from, to, root, notInImage } of removed)
      dirty.add({ from, to, root, removed: true, modeChanged: false, ...(notInImage && { notInImage }) });
    for (const { modeChanged = false, ...file } of files) dirty.add({ ...file, removed: false, modeChanged });
  }

  /** The files of the dirty set, as they are to be added where a container has them and should be as the tree again. */
  dirtyFiles(service: string): readonly SyncFile[] {
    const all = this.#service(service).dirty.since(0);
    return all.map((file) => ({ ...file, modeChanged: file.modeChanged || file.removed }));
  }

  /** Where a service's changes are now: taken before a build reads the tree, it says what the image will hold. */
  checkpoint(service: string): number {
    return this.#service(service).dirty.seq;
  }

  /** Whether the tree differs from the newest image of a service by files that are synced. */
  isDirty(service: string): boolean {
    return this.#service(service).dirty.since(0).length > 0;
  }

  /**
   * The image that is being deployed holds every change up to `upTo`, a checkpoint: containers of it get only what came
   * later. Without one, all changes so far.
   */
  resetDirty(service: string, upTo: number = this.checkpoint(service)): void {
    this.#service(service).dirty.forget(upTo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends: Promise<void>[] = [];
    for (const { containers } of this.#services.values()) {
      for (const container of containers.values()) ends.push(container[Symbol.asyncDispose]());
    }
    this.#services.clear();
    await Promise.all(ends);
  }

  #service(name: string): ServiceState {
    const known = this.#services.get(name);
    if (known) return known;
    const state = { dirty: new DirtySet(), containers: new Map<string, SyncedContainer>() };
    this.#services.set(name, state);
    return state;
  }

  async #catchUp(service: string, targets: readonly SyncTarget[], signal: AbortSignal): Promise<SyncOutcome> {
    signal.throwIfAborted();
    if (targets.length === 0) return { kind: 'noContainers' };
    const startedAt = performance.now();
    const { dirty, containers } = this.#service(service);
    const plan = planOnce(this.#onRead);
    const results = await Promise.all(
      targets.map((target) => {
        const container = containers.get(target.containerId) ?? new SyncedContainer(this.#kube, target);
        containers.set(target.containerId, container);
        return container.catchUp(dirty, plan, signal);
      }),
    );
    return joinResults(results, performance.now() - startedAt);
  }
}

function joinResults(results: readonly CatchUp[], ms: number): SyncOutcome {
  const refused = results.find((result) => result.kind === 'refused');
  if (refused) return { ...refused, kind: 'needsRebuild' };
  const gone = results.find((result) => result.kind === 'gone');
  const files = Math.max(...results.map((result) => (result.kind === 'inSync' ? result.files : 0)));
  if (gone) return { kind: 'pending', because: gone.because, files };
  return { kind: 'synced', files, containers: results.length, ms };
}
