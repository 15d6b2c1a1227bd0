import { clusterFailure } from '../deploy/ask.ts';
import { unstickUntilReady } from '../deploy/unstick-until-ready.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube } from '../kube/kube.ts';
import { formatId, type ObjectId } from '../objects.ts';
import type { Project } from '../project.ts';
import { restartProcess } from '../sync/after-sync.ts';
import { readTarget } from '../sync/read-target.ts';
import type { SyncTarget } from '../sync/sync-target.ts';
import { notReady } from '../up/not-ready.ts';
import { findStanding, type StandingWorkload } from './standing.ts';

export interface RestartOptions {
  readonly kube: Kube;
  readonly project: Project;
  /** A service, or a workload by its name. */
  readonly service: string;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

export interface Restarted {
  /** Workloads whose pods were replaced by new ones. */
  readonly rolledOut: readonly ObjectId[];
  /** In how many containers a process was started anew. */
  readonly processes: number;
  /** false: of a process it is only known that it runs, since no probe of its container can be asked. */
  readonly isReady: boolean;
  /** Until all of it was ready, or ran. */
  readonly ms: number;
}

/** What makes new pods when its template changes. */
const rollingKinds: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/**
 * Restarts a service and waits until it is ready: the process in each container where a supervisor can do that, which
 * keeps what was synced; else the pods, as `kubectl rollout restart` does, by the strategy of their workload. Only members
 * of the project are touched.
 *
 * @throws Failure `usage`, `notReady`, `unreachable`, `refused`; AbortError.
 */
export async function restartService(options: RestartOptions): Promise<Restarted> {
  const { kube, project, service, report, signal } = options;
  const startedAt = performance.now();
  const workloads = await findStanding(kube, project, service, signal);
  const ways = await Promise.all(workloads.map((workload) => chooseWay(kube, workload, signal)));
  const processes = ways.flatMap(({ supervised }) => supervised);
  const rolling = ways.filter(({ supervised }) => supervised.length === 0).map(({ workload }) => workload);
  refuseFixed(rolling);
  const [isReady] = await Promise.all([
    restartProcesses(kube, processes, signal),
    ...rolling.map((workload) => rollOut(kube, workload, signal)),
  ]);
  const objects = rolling.map(({ member }) => member.id);
  const { timeoutMs } = project;
  const result =
    objects.length === 0 ? undefined : await unstickUntilReady({ kube, objects, report, signal, timeoutMs });
  if (result && !result.ready) throw notReady(result.notReady, timeoutMs, project.services);
  return { rolledOut: objects, processes: processes.length, isReady, ms: performance.now() - startedAt };
}

interface Way {
  readonly workload: StandingWorkload;
  /** Empty: its pods are to be replaced. */
  readonly supervised: readonly SyncTarget[];
}

/** A pod that a rollout replaces takes all of its containers with it, so it is one way or the other for a workload. */
async function chooseWay(kube: Kube, workload: StandingWorkload, signal: AbortSignal): Promise<Way> {
  const facts = await Promise.all(workload.running.map((target) => readTarget(kube, target, signal)));
  const isSupervised = facts.length > 0 && facts.every((each) => each.kind === 'running' && each.supervisor);
  return { workload, supervised: isSupervised ? workload.running : [] };
}

function refuseFixed(workloads: readonly StandingWorkload[]): void {
  const fixed = workloads.find(({ member }) => !rollingKinds.has(member.id.kind));
  if (!fixed) return;
  const { id } = fixed.member;
  throw new Failure('usage', `${formatId(id)} can't be restarted: nothing makes another pod of it`, {
    where: `${formatId(id)} in ${id.namespace}`,
    next: `delete it, and run \`stormctl deploy\`: kubectl delete ${formatId(id)} -n ${id.namespace}`,
  });
}

async function restartProcesses(kube: Kube, targets: readonly SyncTarget[], signal: AbortSignal): Promise<boolean> {
  const ends = await Promise.all(targets.map((target) => restartProcess({ kube, target, signal })));
  for (const end of ends)
    if (end.kind !== 'done')
      throw new Failure('notReady', `not restarted: ${end.because}`, {
        detail: end.kind === 'failed' && end.output.length > 0 ? end.output.join('\n') : undefined,
        next: 'see why: `stormctl logs`',
      });
  return ends.every((end) => end.kind === 'done' && end.readyMs !== undefined);
}

/** An apply by stormctl keeps the annotation, since another manager owns it: it makes no new pods later. */
async function rollOut(kube: Kube, { member }: StandingWorkload, signal: AbortSignal): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  try {
    await kube.request({
      method: 'PATCH',
      path: pathOf(member.resource, member.id),
      query: { fieldManager: 'stormctl-restart' },
      contentType: 'application/strategic-merge-patch+json',
      body: { spec: { template: { metadata: { annotations } } } },
      signal,
    });
  } catch (error) {
    throw clusterFailure(error);
  }
}
