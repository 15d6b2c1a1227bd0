import type { CompletedJobs } from '../deploy/completed-jobs.ts';
import { unstickUntilReady } from '../deploy/unstick-until-ready.ts';
import type { NotReady, WaitResult } from '../deploy/wait-ready.ts';
import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { LinkedSignal } from '../lib/abort.ts';
import { formatId, keyOf, type ObjectId } from '../objects.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { Outages } from './outages.ts';

export interface RolloutsOptions {
  readonly kube: Kube;
  readonly view: PodView;
  /** What is known of Jobs that the cluster removes by itself. */
  readonly jobs?: CompletedJobs | undefined;
  readonly outages: Outages;
  readonly report: Reporter;
}

interface Wait {
  readonly report: Reporter;
  left: readonly ObjectId[];
  /** Aborted when `left` is less than what is waited for. */
  narrowed: AbortController;
}

/** The waits of a session: for as long as it takes, through outages, and past what has failed for good. */
export class Rollouts {
  readonly #options: RolloutsOptions;
  readonly #newest = new Map<string, { readonly abort: AbortController; readonly wait: Wait }>();
  readonly #waits = new Set<Wait>();
  /** By key, how what has failed and was not ready since was told to. */
  readonly #failed = new Map<string, string>();
  /** Those of `relapsed`: they give way to any other. */
  readonly #relapses = new Set<Wait>();

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  /**
   * Resolves with true when all objects are ready; with false when one failed for good, which is reported, or when a newer
   * wait for the same `subject` took its place: that one waits for what was left of this one, too. @throws AbortError.
   */
  async follow(subject: string, objects: readonly ObjectId[], signal: AbortSignal): Promise<boolean> {
    const older = this.#newest.get(subject);
    const newer = { abort: new AbortController(), wait: this.#waitFor([...(older?.wait.left ?? []), ...objects]) };
    older?.abort.abort();
    this.#newest.set(subject, newer);
    using either = new LinkedSignal(signal, newer.abort.signal);
    try {
      return await this.#finish(newer.wait, either.signal);
    } catch (error) {
      if (newer.abort.signal.aborted && !signal.aborted) return false;
      throw error;
    } finally {
      if (this.#newest.get(subject) === newer) this.#newest.delete(subject);
    }
  }

  /** @returns whether none has failed for good. @throws AbortError. */
  async untilReady(objects: readonly ObjectId[], signal: AbortSignal): Promise<boolean> {
    return this.#finish(this.#waitFor(objects), signal);
  }

  /**
   * Tells of an object that was ready why it is not, and when it is again; not where it is waited for already, and until
   * something else waits for it. @throws AbortError.
   */
  async relapsed(id: ObjectId, signal: AbortSignal): Promise<void> {
    const key = keyOf(id);
    if ([...this.#waits].some(({ left }) => left.some((each) => keyOf(each) === key))) return;
    let isTold = false;
    const report: Reporter = (each) => {
      isTold ||= each.type === 'deploy.waiting' && !each.usual;
      // That what nobody heard of is over is no news.
      if (isTold || each.type !== 'deploy.ready') this.#options.report(each);
    };
    const wait = this.#waitFor([id], report);
    this.#relapses.add(wait);
    try {
      await this.#finish(wait, signal);
    } finally {
      this.#relapses.delete(wait);
    }
  }

  async #finish(wait: Wait, signal: AbortSignal): Promise<boolean> {
    for (const relapse of this.#relapses) if (relapse !== wait) leave(relapse, without(relapse.left, wait.left));
    this.#waits.add(wait);
    let isGood = true;
    try {
      while (wait.left.length > 0) {
        const result = await this.#waitOnce(wait, signal);
        if (result === 'narrowed') continue;
        if (result.ready) break;
        isGood = false;
        result.notReady.forEach((failed) => this.#tell(failed, wait));
        // Without a deadline only what has failed for good ends a wait: a Job that gave up.
        wait.left = without(
          wait.left,
          result.notReady.map(({ id }) => id),
        );
      }
    } finally {
      this.#waits.delete(wait);
    }
    return isGood;
  }

  /** Ends the waiting for every object but these: one that no manifest has any more may never be ready. */
  retain(objects: readonly ObjectId[]): void {
    const there = new Set(objects.map(keyOf));
    for (const wait of this.#waits)
      leave(
        wait,
        wait.left.filter((id) => there.has(keyOf(id))),
      );
  }

  async #waitOnce(wait: Wait, signal: AbortSignal): Promise<WaitResult | 'narrowed'> {
    const { kube, view: pods, jobs, outages } = this.#options;
    const { left: objects } = wait;
    const narrowed = new AbortController();
    wait.narrowed = narrowed;
    const report: Reporter = (each) => {
      if (each.type === 'deploy.ready') {
        wait.left = without(wait.left, [each.object]);
        this.#failed.delete(keyOf(each.object));
      }
      wait.report(each);
    };
    using either = new LinkedSignal(signal, narrowed.signal);
    const task = () =>
      unstickUntilReady({ kube, pods, jobs, objects, report, signal: either.signal, timeoutMs: undefined });
    try {
      return await outages.outlast('the cluster', task, either.signal);
    } catch (error) {
      if (narrowed.signal.aborted && !signal.aborted) return 'narrowed';
      throw error;
    }
  }

  /** @returns a wait for the objects, each once. */
  #waitFor(objects: readonly ObjectId[], report = this.#options.report): Wait {
    const each = new Map(objects.map((id) => [keyOf(id), id]));
    return { left: [...each.values()], narrowed: new AbortController(), report };
  }

  #tell({ id, because, detail }: NotReady, wait: Wait): void {
    const message = `${formatId(id)} failed: ${because}`;
    // A relapse brings no news of what was told to have failed so, and was not ready since.
    if (this.#relapses.has(wait) && this.#failed.get(keyOf(id)) === message) return;
    this.#failed.set(keyOf(id), message);
    wait.report({ type: 'failed', service: id.name, kind: 'notReady', message, detail });
  }
}

/** Waits for no more than `left` from now on. */
function leave(wait: Wait, left: readonly ObjectId[]): void {
  if (left.length === wait.left.length) return;
  wait.left = left;
  wait.narrowed.abort();
}

function without(objects: readonly ObjectId[], gone: readonly ObjectId[]): readonly ObjectId[] {
  const keys = new Set(gone.map(keyOf));
  return objects.filter((id) => !keys.has(keyOf(id)));
}
