import { createApplier } from '../deploy/applier.ts';
import { CompletedJobs } from '../deploy/completed-jobs.ts';
import type { Asked } from '../deploy/protected.ts';
import { unstickUntilReady } from '../deploy/unstick-until-ready.ts';
import type { NotReady } from '../deploy/wait-ready.ts';
import { Failure, Failures } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { Scope } from '../lib/scope.ts';
import type { ObjectId } from '../objects.ts';
import { ApplyLoop } from './apply-loop.ts';
import { openAppliedMemory } from './open-applied-memory.ts';
import { bringUp } from './bring-up.ts';
import { notReady } from './not-ready.ts';
import type { Plan, PlannedService } from './plan.ts';
import type { Site } from './site.ts';

export interface RunOnceOptions {
  readonly plan: Plan;
  readonly site: Pick<Site, 'kube' | 'identity'>;
  /** @returns the reference that the service's pods shall run. */
  readonly deliver: (service: PlannedService, signal: AbortSignal) => Promise<string>;
  /** Whether fields that others hold are taken from them. */
  readonly forceConflicts?: boolean;
  /** What of that which left the manifests goes only when it is asked for. Default: nothing. */
  readonly prunes?: Asked;
  readonly report: Reporter;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/**
 * Brings a plan up once. A service whose image can't be built keeps what runs, and the others go on; the failures are
 * thrown when they have.
 *
 * @throws Failures of the builds; what the cluster refused; Failure `notReady` that names what is not and why.
 */
export async function runOnce(options: RunOnceOptions): Promise<ApplyLoop> {
  await using scope = new Scope(options.signal);
  const { signal } = scope;
  const { plan, site, deliver, forceConflicts, prunes, report, timeoutMs } = options;
  const { kube, identity } = site;
  const memory = await openAppliedMemory(plan.project);
  const { project } = plan;
  const ref = { name: project.name, namespace: project.cluster.namespace };
  await using jobs = new CompletedJobs({ kube, ref, report });
  const applier = createApplier({
    kube,
    project,
    identity,
    report,
    memory,
    jobs,
    forceConflicts,
    prunes,
    removalMs: timeoutMs,
    namespaceMs: timeoutMs,
  });
  const loop = new ApplyLoop({ applier, plan, signal });
  const failures: Failure[] = [];
  const apply = async () => {
    const round = await loop.apply();
    failures.push(...round.applied.refused.map(({ failure }) => failure));
    return round;
  };
  const images = new Map(
    plan.services.map((planned) => [planned.service.name, bringImage(loop, planned, deliver, apply, failures, signal)]),
  );
  // Of the waits alone: a build takes as long as it takes.
  let leftMs = timeoutMs;
  let unready: readonly NotReady[] = [];
  const wait = async (objects: readonly ObjectId[]) => {
    const startedAt = performance.now();
    const result = await unstickUntilReady({ kube, objects, jobs, report, signal, timeoutMs: leftMs });
    leftMs = Math.max(0, leftMs - (performance.now() - startedAt));
    unready = result.ready ? [] : result.notReady;
    return result.ready;
  };
  const imageOf = (service: string) => images.get(service) ?? Promise.resolve();
  const tasks = [bringUp({ loop, apply, imageOf, wait }), ...images.values()];
  try {
    await Promise.all(tasks);
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    await Promise.allSettled(tasks);
    throw error;
  }
  refuse(failures);
  if (unready.length > 0) throw notReady(unready, timeoutMs, project.services);
  return loop;
}

async function bringImage(
  loop: ApplyLoop,
  planned: PlannedService,
  deliver: RunOnceOptions['deliver'],
  apply: () => Promise<unknown>,
  failures: Failure[],
  signal: AbortSignal,
): Promise<void> {
  try {
    loop.setImage(planned.service.name, await deliver(planned, signal));
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === 'unreachable' || error.kind === 'refused') throw error;
    failures.push(error);
    return;
  }
  await apply();
}

function refuse(failures: readonly Failure[]): void {
  const isNew = ({ message }: Failure, at: number) => failures.findIndex((each) => each.message === message) === at;
  const [first, ...rest] = failures.filter(isNew);
  if (first) throw new Failures([first, ...rest]);
}
