import { wait } from '../lib/wait.ts';
import { keyOf, type ObjectId } from '../objects.ts';
import { explainPods, explainRestarts } from '../pods/explain-pod.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { PodChange, PodView } from '../pods/pod-view.ts';
import { ownerAmong } from './owner-among.ts';

export interface RelapsesOptions {
  readonly view: Pick<PodView, 'pods' | 'subscribe'>;
  /** The objects that stand in the cluster by our hand. */
  readonly standing: () => readonly ObjectId[];
}

/** How long pods may be unready without a word: a process that is started again on purpose is, for a moment. */
const briefMs = 5000;

/** Notices that a workload is not ready any more after it was: a pod of it crashed, or has been unready for a while. */
export class Relapses {
  readonly #options: RelapsesOptions;
  /** By key, the workloads that are looked at again in a moment. */
  readonly #doubted = new Set<string>();

  constructor(options: RelapsesOptions) {
    this.#options = options;
  }

  /** Calls `found` at each change of a pod that is not well. @returns the function that ends it. */
  onUnwell(found: (id: ObjectId, pod: PodState) => void): () => void {
    return this.#options.view.subscribe((change) => {
      if (change.type === 'gone' || change.pod.deleting) return;
      const id = isUnwell(change) ? ownerAmong(this.#options.standing(), change.pod) : undefined;
      if (id) found(id, change.pod);
    });
  }

  /** @returns whether that is worth a word: it is trouble at once, or is not over in a moment. @throws AbortError. */
  async lasts(id: ObjectId, pod: PodState, signal: AbortSignal): Promise<boolean> {
    if (pod.ready || explainPods([pod])?.usual === false) return true;
    const key = keyOf(id);
    if (this.#doubted.has(key)) return false;
    this.#doubted.add(key);
    try {
      await wait(briefMs, signal);
    } finally {
      this.#doubted.delete(key);
    }
    return this.#options.view.pods().some(({ uid, ready, deleting }) => uid === pod.uid && !ready && !deleting);
  }
}

/** A container may have crashed and run again before anybody was told that its pod was not ready. */
function isUnwell({ pod, before }: Extract<PodChange, { type: 'set' }>): boolean {
  if (!pod.ready) return true;
  const runs = (state: PodState) => state.containers.reduce((sum, { restarts }) => sum + restarts, 0);
  return before !== undefined && runs(pod) > runs(before) && explainRestarts([pod]) !== undefined;
}
