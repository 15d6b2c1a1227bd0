import { Failure } from '../errors.ts';
import { ApiError } from '../kube/kube.ts';
import type { PodState } from '../pods/pod-state.ts';

/** @returns the Failure for an account that may not read logs; any other error as it is. */
export function explainRefusal(pod: PodState, error: unknown): unknown {
  if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 403)) return error;
  return new Failure('unreachable', `the cluster does not show the logs of namespace ${pod.namespace}`, {
    where: `pod ${pod.name} in ${pod.namespace}`,
    detail: error.message,
    next: 'the account of this context needs `get` on pods/log',
    cause: error,
  });
}
