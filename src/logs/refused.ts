import { asFailure, Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { ApiError, isForbidden } from '../kube/kube.ts';
import { kindOf } from '../kube/outage.ts';
import type { PodState } from '../pods/pod-state.ts';

/** @returns the Failure for what the API server answers in place of a log; any other error as it is. */
export function explainRefusal(pod: PodState, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const facts = { where: `pod ${pod.name} in ${pod.namespace}`, detail: error.message, cause: error };
  if (isForbidden(error))
    return new Failure('refused', `the cluster does not show the logs of namespace ${pod.namespace}`, {
      ...facts,
      next: `the account of this context needs \`get\` on pods/log in ${pod.namespace}`,
    });
  return new Failure(kindOf(error), `the log of pod ${pod.name} can't be read`, {
    ...facts,
    next: `see whether its node is there: kubectl get nodes, and kubectl logs ${pod.name} -n ${pod.namespace}`,
  });
}

/** Which namespaces refuse their logs, while others may go on. */
export class Refusals {
  readonly #report: Reporter;
  /** How many containers of a namespace are followed. */
  readonly #followed = new Map<string, number>();
  readonly #refused = new Set<string>();

  constructor(report: Reporter) {
    this.#report = report;
  }

  /** A container of the pod is followed from now on. */
  add({ namespace }: PodState): void {
    this.#followed.set(namespace, (this.#followed.get(namespace) ?? 0) + 1);
  }

  /** A container of the pod is no longer followed. */
  remove({ namespace }: PodState): void {
    const left = (this.#followed.get(namespace) ?? 0) - 1;
    if (left > 0) this.#followed.set(namespace, left);
    else this.#followed.delete(namespace);
  }

  /** Reports a refusal, once for a namespace. @returns false, with nothing reported, where no other log is left to follow. */
  take(pod: PodState, failure: unknown): boolean {
    this.remove(pod);
    if (this.#refused.has(pod.namespace)) return true;
    this.#refused.add(pod.namespace);
    if (![...this.#followed.keys()].some((namespace) => !this.#refused.has(namespace))) return false;
    const { kind, message, where, detail, next } = asFailure(failure);
    this.#report({ type: 'failed', kind, message, where, detail, next });
    return true;
  }
}
