import type { CompletedJobs } from '../deploy/completed-jobs.ts';
import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import type { Scope } from '../lib/scope.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { ApplyLoop } from '../up/apply-loop.ts';
import { DeletedWorkloads } from './deleted-workloads.ts';
import type { NamespaceReturns } from './namespace-returns.ts';
import type { Outages } from './outages.ts';
import { Relapses } from './relapses.ts';
import type { Rollouts } from './rollouts.ts';

export interface StandingOptions {
  readonly kube: Kube;
  readonly view: PodView;
  readonly apply: Pick<ApplyLoop, 'standing'>;
  readonly outages: Outages;
  readonly rollouts: Rollouts;
  /** What is known of Jobs that the cluster removes by itself. */
  readonly jobs?: CompletedJobs | undefined;
  readonly returns: NamespaceReturns;
  readonly report: Reporter;
  /** Ends the watching. */
  readonly scope: Scope;
}

/**
 * Tells what becomes of the workloads that were brought up without the session's doing: that somebody deleted one, and
 * that one is not ready any more. A namespace that was deleted returns, as far as `returns` lets it.
 *
 * @param inBackground runs what takes time.
 */
export function watchStanding(
  options: StandingOptions,
  inBackground: (task: (signal: AbortSignal) => Promise<unknown>) => void,
): void {
  const { apply, jobs, outages, returns, rollouts, scope } = options;
  const standing = () => apply.standing().filter((id) => !jobs?.isDone(id));
  const deleted = new DeletedWorkloads({ ...options, standing });
  const lastPod = deleted.onLastPod((id) =>
    inBackground(async (signal) => {
      const namespace = await outages.outlast('the cluster', () => deleted.look(id, signal), signal);
      if (namespace !== undefined) await returns.gone(namespace, signal);
    }),
  );
  const relapses = new Relapses({ ...options, standing });
  const unwell = relapses.onUnwell((id, pod) =>
    inBackground(async (signal) => {
      if (await relapses.lasts(id, pod, signal)) await rollouts.relapsed(id, signal);
    }),
  );
  for (const stop of [lastPod, unwell]) scope.own(stop, () => stop());
}
