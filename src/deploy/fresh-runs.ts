import type { ObjectId } from '../objects.ts';
import { explainPods, explainFresh, type PodTrouble } from '../pods/explain-pod.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';

/** How long a container without a probe has to run until it is believed to stay, and one that crashed before (docs/decisions/0036-a-container-without-a-probe.md). */
const provenMs = { first: 1000, again: 2000 } as const;
/** What started longer ago by this machine's clock is proven, also when it is seen for the first time. */
const oldMs = 30_000;

const lasting: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/**
 * Tells workloads that the cluster calls ready only because a container without a probe runs at this moment: its node
 * counts it as ready from its start to its crash.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
 */
export class FreshRuns {
  /** By container id, when it was first seen to run, by `performance.now()`. */
  readonly #seen = new Map<string, number>();

  /** @returns the trouble of a workload whose pods crashed or began just now; undefined when there is none. */
  find({ kind }: ObjectId, pods: readonly PodState[]): PodTrouble | undefined {
    if (!lasting.has(kind)) return undefined;
    // What the workload counts as available may be told before its pods are.
    const unready = explainPods(pods.filter(({ phase }) => phase !== 'Failed'));
    if (unready) return unready;
    for (const pod of pods) {
      const fresh = pod.deleting ? undefined : pod.containers.find((container) => this.#isFresh(container));
      if (fresh) return explainFresh(pod, fresh);
    }
    return undefined;
  }

  #isFresh({ init, probed, state, restarts, exitCode = 0, containerId = '', startedAt = '' }: ContainerState): boolean {
    if (init || probed || state !== 'running') return false;
    const now = performance.now();
    const since = this.#seen.get(containerId) ?? now;
    this.#seen.set(containerId, since);
    const hasCrashed = restarts > 0 && exitCode !== 0;
    return now - since < provenMs[hasCrashed ? 'again' : 'first'] && !(Date.now() - Date.parse(startedAt) > oldMs);
  }
}
