import { type NotReady, waitReady } from '../deploy/wait-ready.ts';
import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { formatId, keyOf, type ObjectId } from '../objects.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { Outages } from './outages.ts';

export interface RolloutsOptions {
  readonly kube: Kube;
  readonly view: PodView;
  readonly outages: Outages;
  readonly report: Reporter;
}

/** The waits of a session: for as long as it takes, through outages, and past what has failed for good. */
export class Rollouts {
  readonly #options: RolloutsOptions;
  readonly #newest = new Map<string, AbortController>();

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  /**
   * Resolves with true when all objects are ready, or have failed for good and said so; with false when a newer wait for
   * the same `subject` took its place. @throws AbortError.
   */
  async follow(subject: string, objects: readonly ObjectId[], signal: AbortSignal): Promise<boolean> {
    const newer = new AbortController();
    this.#newest.get(subject)?.abort();
    this.#newest.set(subject, newer);
    try {
      await this.untilReady(objects, AbortSignal.any([signal, newer.signal]));
      return true;
    } catch (error) {
      if (newer.signal.aborted && !signal.aborted) return false;
      throw error;
    } finally {
      if (this.#newest.get(subject) === newer) this.#newest.delete(subject);
    }
  }

  /** @throws AbortError. */
  async untilReady(objects: readonly ObjectId[], signal: AbortSignal): Promise<void> {
    const { kube, view: pods, outages, report } = this.#options;
    let left = objects;
    while (left.length > 0) {
      const current = left;
      const wait = () => waitReady({ kube, pods, objects: current, report, signal, timeoutMs: undefined });
      const result = await outages.outlast('the cluster', wait, signal);
      if (result.ready) return;
      result.notReady.forEach((failed) => this.#tell(failed));
      // Without a deadline only what has failed for good ends a wait: a Job that gave up.
      const given = new Set(result.notReady.map(({ id }) => keyOf(id)));
      left = current.filter((id) => !given.has(keyOf(id)));
    }
  }

  #tell({ id, because, detail }: NotReady): void {
    const message = `${formatId(id)} failed: ${because}`;
    this.#options.report({ type: 'failed', service: id.name, kind: 'notReady', message, detail });
  }
}
