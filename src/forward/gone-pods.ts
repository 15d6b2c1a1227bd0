import type { PodState } from '../pods/pod-state.ts';
import { isOver, type Surroundings } from './surroundings.ts';

/**
 * Tells when pods go that connections lead to: deleted, or with no container that runs again. Connections outlive the view
 * of the pods that they were made by, so it is always the view of now that is asked.
 */
export class GonePods {
  readonly #watched = new Map<string, Watched>();
  readonly #look: (task: () => Promise<void>) => void;
  #surroundings: Surroundings | undefined;

  /** @param look runs what asks whether a pod is still there. */
  constructor(look: (task: () => Promise<void>) => void) {
    this.#look = look;
  }

  /** From now on these are looked at; undefined: none are there for now, and nothing is told. */
  follow(surroundings: Surroundings | undefined): void {
    this.#surroundings = surroundings;
    surroundings?.onPod((change) => {
      if (this.#surroundings === surroundings && (change.type === 'gone' || isOver(change.pod))) this.#tell(change.pod);
    });
    for (const { pod } of this.#watched.values()) this.#check(pod);
  }

  /** Calls back once when the pod has gone, which may be at once. @returns the function that ends it. */
  onGone(pod: PodState, listener: () => void): () => void {
    const watched = this.#watched.get(pod.uid) ?? { pod, listeners: new Set() };
    this.#watched.set(pod.uid, watched);
    watched.listeners.add(listener);
    // It may have gone while the connection was made.
    if (this.#surroundings?.sees(pod) === false) this.#check(pod);
    return () => {
      watched.listeners.delete(listener);
      if (watched.listeners.size === 0 && this.#watched.get(pod.uid) === watched) this.#watched.delete(pod.uid);
    };
  }

  #tell({ uid }: PodState): void {
    const watched = this.#watched.get(uid);
    this.#watched.delete(uid);
    for (const listener of watched?.listeners ?? []) listener();
  }

  #check(pod: PodState): void {
    const surroundings = this.#surroundings;
    if (!surroundings) return;
    this.#look(async () => {
      if (!(await surroundings.has(pod)) && this.#surroundings === surroundings) this.#tell(pod);
    });
  }
}

interface Watched {
  readonly pod: PodState;
  readonly listeners: Set<() => void>;
}
