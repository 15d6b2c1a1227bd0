import { ApiError, type Kube } from '../kube/kube.ts';
import type { PodState } from '../pods/pod-state.ts';

/** What makes another pod when one of its pods is deleted. */
const replacing: ReadonlySet<string> = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet']);

/**
 * Deletes the pods that something replaces at once: its new pods know no back-off. Each is deleted by its uid, so that
 * the pod that took its name is left alone.
 *
 * @returns those that were deleted. @throws what the API server answers, but for a pod that is gone; AbortError.
 */
export async function replacePods(
  kube: Kube,
  pods: readonly PodState[],
  signal: AbortSignal,
): Promise<readonly PodState[]> {
  const mine = pods.filter(({ workload }) => replacing.has(workload.kind));
  const deleted = await Promise.all(mine.map(async (pod) => ((await remove(kube, pod, signal)) ? [pod] : [])));
  return deleted.flat();
}

async function remove(kube: Kube, { namespace, name, uid }: PodState, signal: AbortSignal): Promise<boolean> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  try {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
    await kube.request({ method: 'DELETE', path, body, signal });
    return true;
  } catch (error) {
    // 409: the name has another pod by now.
    if (error instanceof ApiError && [404, 409].includes(error.status)) return false;
    throw error;
  }
}
