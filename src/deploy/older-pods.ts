import type { KubeObject } from '../objects.ts';
import type { PodTrouble } from '../pods/explain-pod.ts';
import type { PodState } from '../pods/pod-state.ts';

interface StatefulSetState {
  readonly spec?: {
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
  };
  readonly status?: { readonly observedGeneration?: number; readonly updateRevision?: string };
}

/** @returns the trouble, with why its pod stays where it is of an older state and the manifest chose to keep such ones. */
export function explainStaying(workload: KubeObject, trouble: PodTrouble): PodTrouble {
  const { pod, because } = trouble;
  const choice = holdsUp(workload, pod) ? choiceOf(workload) : undefined;
  if (choice === undefined) return trouble;
  const remedy = `kubectl delete pod ${pod.name} -n ${pod.namespace}`;
  const words = `it is of an older state, and with ${choice} it stays until somebody deletes it: ${remedy}`;
  return { ...trouble, because: `${because}; ${words}`, usual: false };
}

/** @returns the field by which the manifest keeps pods of older states. */
export function choiceOf(statefulSet: KubeObject): string | undefined {
  const { type, rollingUpdate } = (statefulSet as StatefulSetState).spec?.updateStrategy ?? {};
  if (type === 'OnDelete') return '`updateStrategy: OnDelete`';
  const { partition = 0 } = rollingUpdate ?? {};
  return partition > 0 ? `\`partition: ${partition}\`` : undefined;
}

/** Whether a pod is of an older state than the one that was asked for last, and not ready. Only StatefulSets have an `updateRevision`. */
export function holdsUp(statefulSet: KubeObject, { ready, deleting, labels }: PodState): boolean {
  const { observedGeneration = 0, updateRevision } = (statefulSet as StatefulSetState).status ?? {};
  if (observedGeneration < (statefulSet.metadata.generation ?? 0) || updateRevision === undefined) return false;
  const revision = labels['controller-revision-hash'];
  return !ready && !deleting && revision !== undefined && revision !== updateRevision;
}
