import type { Kube } from '../kube/kube.ts';
import { LinkedSignal } from '../lib/abort.ts';
import { ContainerChannel } from './container-channel.ts';
import type { DirtySet } from './dirty-set.ts';
import { explainFailure } from './explain-failure.ts';
import type { FileStep, Plan } from './file-step.ts';
import { formatTarget, type SyncTarget } from './sync-target.ts';

/** Why a container does not take files. */
export interface Refused<Kind> {
  readonly kind: Kind;
  readonly because: string;
  /** What would let it be synced. */
  readonly next: string | undefined;
  /** The reason without the container's name, where it holds for whatever is to be synced. */
  readonly lasting?: string;
}

/** What became of one container's share. */
export type CatchUp =
  | { readonly kind: 'inSync'; readonly files: number }
  /** It can't take these files, now or later: only another image brings them. */
  | Refused<'refused'>
  /** It, or the way to it, went away. */
  | { readonly kind: 'gone'; readonly because: string };

/** One container of a service: its channel, and up to which change it has the dirty set. */
export class SyncedContainer implements AsyncDisposable {
  readonly target: SyncTarget;
  readonly #kube: Kube;
  readonly #ending = new AbortController();
  #channel: ContainerChannel | undefined;
  /** There is no agent for this container, and there never will be. */
  #unable: string | undefined;
  #upTo = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(kube: Kube, target: SyncTarget) {
    this.#kube = kube;
    this.target = target;
  }

  /**
   * Opens the channel where it is not open, and brings the container everything of the dirty set that it lacks by now.
   * A channel that broke is opened once more: a process can die and its container live. Calls queue up.
   *
   * @throws AbortError on abort.
   */
  catchUp(dirty: DirtySet, plan: Plan, signal: AbortSignal): Promise<CatchUp> {
    const done = this.#queue.then(() => this.#catchUp(dirty, plan, signal));
    this.#queue = done.catch(() => {});
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#queue;
    await this.#channel?.[Symbol.asyncDispose]();
  }

  async #catchUp(dirty: DirtySet, plan: Plan, signal: AbortSignal): Promise<CatchUp> {
    using either = new LinkedSignal(signal, this.#ending.signal);
    try {
      const first = await this.#tryCatchUp(dirty, plan, either.signal);
      return first.kind === 'gone' && this.#channel ? await this.#tryCatchUp(dirty, plan, either.signal) : first;
    } catch (error) {
      if (signal.aborted || !this.#ending.signal.aborted) throw error;
      return { kind: 'gone', because: this.#say('it is not one of the running containers any more') };
    }
  }

  async #tryCatchUp(dirty: DirtySet, plan: Plan, signal: AbortSignal): Promise<CatchUp> {
    const opened = await this.#open(signal);
    const files = dirty.since(this.#upTo);
    const seq = dirty.seq;
    if (files.length === 0) return { kind: 'inSync', files: 0 };
    if (!(opened instanceof ContainerChannel)) return opened;
    const steps: FileStep[] = [];
    for (const file of files) {
      const step = plan(file);
      if (step.kind === 'unreadable')
        return { kind: 'refused', because: `${step.from}: ${step.because}`, next: undefined };
      steps.push(step);
    }
    const result = await opened.send(removalsFirst(steps), signal);
    if (result.kind === 'broken') return { kind: 'gone', because: this.#say(result.because) };
    const [failure] = result.failures;
    if (failure) {
      const { because, next } = explainFailure(failure, opened.user);
      const more = result.failures.length > 1 ? `, and ${result.failures.length - 1} more` : '';
      return { kind: 'refused', because: this.#say(because + more), next };
    }
    this.#upTo = seq;
    return { kind: 'inSync', files: files.length };
  }

  async #open(signal: AbortSignal): Promise<ContainerChannel | CatchUp> {
    if (this.#unable !== undefined) return this.#refuseAll(this.#unable);
    if (this.#channel && this.#channel.brokenBecause === undefined) return this.#channel;
    await this.#channel?.[Symbol.asyncDispose]();
    this.#channel = undefined;
    const opening = await ContainerChannel.open(this.#kube, this.target, signal);
    if (opening.kind === 'open') {
      this.#channel = opening.channel;
      return opening.channel;
    }
    if (opening.kind === 'gone') return { kind: 'gone', because: this.#say(opening.because) };
    this.#unable = opening.because;
    return this.#refuseAll(opening.because);
  }

  #refuseAll(because: string): CatchUp {
    return { kind: 'refused', because: this.#say(because), next: undefined, lasting: because };
  }

  #say(because: string): string {
    return `${formatTarget(this.target)}: ${because}`;
  }
}

/** What was a file can be a folder by now. */
function removalsFirst(steps: readonly FileStep[]): readonly FileStep[] {
  return [...steps.filter(({ kind }) => kind === 'remove'), ...steps.filter(({ kind }) => kind !== 'remove')];
}
