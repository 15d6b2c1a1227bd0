import type { ObjectId } from '../objects.ts';
import type { ApplyLoop, Round } from './apply-loop.ts';

export interface BringUpOptions {
  readonly loop: ApplyLoop;
  /** Applies what can be applied now: the loop's own `apply`, or one that outlasts an outage. */
  readonly apply: () => Promise<Round>;
  /** Resolves when a service has its image, or will not get one by this attempt. */
  readonly imageOf: (service: string) => Promise<void>;
  /** @returns false when the objects are not ready and the rest is not to be begun. */
  readonly wait: (objects: readonly ObjectId[]) => Promise<boolean>;
}

/**
 * Applies stage by stage, in each first what needs no image, and waits between stages; then for everything. What needs an
 * image is applied by whoever delivers it; a stage is complete when each of its services had its attempt.
 */
export async function bringUp({ loop, apply, imageOf, wait }: BringUpOptions): Promise<void> {
  for (let stage = 0; ; stage++) {
    loop.openStage(stage);
    await apply();
    const services = loop.plan.objects.filter((object) => object.stage === stage).flatMap((object) => object.services);
    await Promise.all([...new Set(services)].map(imageOf));
    await apply();
    const isLast = stage >= loop.plan.stages - 1;
    const isReady = await wait(loop.standing(isLast ? undefined : stage));
    if (isLast || !isReady) return;
  }
}
