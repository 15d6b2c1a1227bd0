import type { ObjectId } from '../objects.ts';
import type { PodState } from '../pods/pod-state.ts';

/** What keeps pods for as long as it is there. */
const keeping: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/** @returns the workload of these that keeps the pod. */
export function ownerAmong(ids: readonly ObjectId[], pod: PodState): ObjectId | undefined {
  return ids.find((id) => keeping.has(id.kind) && isPodOf(pod, id));
}

export function isPodOf({ namespace, workload }: PodState, id: ObjectId): boolean {
  return workload.kind === id.kind && workload.name === id.name && namespace === id.namespace;
}
