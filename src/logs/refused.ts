import { Failure } from '../errors.ts';
import { ApiError } from '../kube/kube.ts';
import type { PodState } from '../pods/pod-state.ts';

/** @returns the Failure for what the API server answers in place of a log; any other error as it is. */
export function explainRefusal(pod: PodState, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const facts = { where: `pod ${pod.name} in ${pod.namespace}`, detail: error.message, cause: error };
  if (error.status === 401 || error.status === 403)
    return new Failure('unreachable', `the cluster does not show the logs of namespace ${pod.namespace}`, {
      ...facts,
      next: 'the account of this context needs `get` on pods/log',
    });
  return new Failure('unreachable', `the log of pod ${pod.name} can't be read`, {
    ...facts,
    next: `see whether its node is there: kubectl get nodes, and kubectl logs ${pod.name} -n ${pod.namespace}`,
  });
}
