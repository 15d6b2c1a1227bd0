import { waitReady, type WaitResult } from '../deploy/wait-ready.ts';
import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import type { ApplyLoop, Round } from './apply-loop.ts';

export interface BringUpOptions {
  readonly loop: ApplyLoop;
  readonly kube: Kube;
  /** Applies what can be applied now: the loop's own `apply`, or one that outlasts an outage. */
  readonly apply: () => Promise<Round>;
  /** Resolves when a service has its image, or will not get one by this attempt. */
  readonly imageOf: (service: string) => Promise<void>;
  readonly report: Reporter;
  readonly signal: AbortSignal;
  /** undefined: for as long as it takes. */
  readonly timeoutMs: number | undefined;
}

/**
 * Applies stage by stage, in each first what needs no image, and waits between stages. What needs an image is applied by
 * whoever delivers it; a stage is complete when each of its services had its attempt.
 *
 * @returns what of the last stages is not ready when the time is over.
 */
export async function bringUp(options: BringUpOptions): Promise<WaitResult> {
  const { loop, timeoutMs } = options;
  const deadline = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  for (let stage = 0; ; stage++) {
    loop.openStage(stage);
    await options.apply();
    const services = loop.plan.objects.filter((object) => object.stage === stage).flatMap((object) => object.services);
    await Promise.all([...new Set(services)].map(options.imageOf));
    await options.apply();
    const last = stage >= loop.plan.stages - 1;
    const result = await waitForStages(options, last ? undefined : stage, deadline);
    if (last || !result.ready) return result;
  }
}

/** Waits for the objects of one stage, or of all. */
async function waitForStages(
  { loop, kube, report, signal }: BringUpOptions,
  stage: number | undefined,
  deadline: number | undefined,
): Promise<WaitResult> {
  const timeoutMs = deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
  return waitReady({ kube, objects: loop.standing(stage), report, signal, timeoutMs });
}
