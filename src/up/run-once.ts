import { createApplier } from '../deploy/applier.ts';
import { type NotReady, waitReady } from '../deploy/wait-ready.ts';
import { Failure, Failures } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { formatId, type ObjectId } from '../objects.ts';
import { ApplyLoop } from './apply-loop.ts';
import { bringUp } from './bring-up.ts';
import type { Plan, PlannedService } from './plan.ts';
import type { Site } from './site.ts';

export interface RunOnceOptions {
  readonly plan: Plan;
  readonly site: Pick<Site, 'kube' | 'identity'>;
  /** @returns the reference that the service's pods shall run. */
  readonly deliver: (service: PlannedService, signal: AbortSignal) => Promise<string>;
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
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const { plan, site, deliver, report, timeoutMs } = options;
  const { kube, identity } = site;
  const applier = createApplier({ kube, project: plan.project, identity, report });
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
  const deadline = performance.now() + timeoutMs;
  let unready: readonly NotReady[] = [];
  const wait = async (objects: readonly ObjectId[]) => {
    const left = Math.max(0, deadline - performance.now());
    const result = await waitReady({ kube, objects, report, signal, timeoutMs: left });
    unready = result.ready ? [] : result.notReady;
    return result.ready;
  };
  const imageOf = (service: string) => images.get(service) ?? Promise.resolve();
  const tasks = [bringUp({ loop, apply, imageOf, wait }), ...images.values()];
  try {
    await Promise.all(tasks);
  } catch (error) {
    ending.abort();
    await Promise.allSettled(tasks);
    throw error;
  }
  refuse(failures);
  if (unready.length > 0) throw notReady(unready, timeoutMs);
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
    if (!(error instanceof Failure) || error.kind === 'unreachable') throw error;
    failures.push(error);
    return;
  }
  await apply();
}

function refuse(failures: readonly Failure[]): void {
  const [first, ...rest] = [...new Map(failures.map((failure) => [failure.message, failure])).values()];
  if (first) throw new Failures([first, ...rest]);
}

/** @returns what to end with when objects are not ready in time. */
export function notReady(objects: readonly NotReady[], timeoutMs: number): Failure {
  const detail = objects.flatMap(({ id, because, detail: more }) => [
    `${formatId(id)}: ${because}`,
    ...(more ? [more] : []),
  ]);
  const names = objects.map(({ id }) => formatId(id)).join(', ');
  return new Failure('notReady', `not ready after ${Math.round(timeoutMs / 1000)} s: ${names}`, {
    detail: detail.join('\n'),
    next: 'mend it and run again, or give it more time with --timeout',
  });
}
