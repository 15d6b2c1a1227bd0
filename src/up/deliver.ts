import { buildService, type BuildServiceRequest } from '../images/build-service.ts';
import { shipService } from '../images/ship-service.ts';
import type { PlannedService } from './plan.ts';
import type { Site } from './site.ts';
import type { Workshop } from './workshop.ts';

/**
 * Builds a service's image, unless the same inputs were built before, and brings it to where the cluster finds it.
 *
 * @param accept see BuildServiceRequest.
 * @returns the reference that pods shall run: it names these bytes and no others.
 * @throws Failure `build` or `ship`; AbortError once the signal is aborted, with the engine's work stopped.
 */
export async function deliver(
  site: Site,
  workshop: Workshop,
  { service, build, rules }: PlannedService,
  because: string,
  signal: AbortSignal,
  accept?: BuildServiceRequest['accept'],
): Promise<string> {
  const { engine, destination, place, loadImage } = site;
  const { images, report } = workshop;
  const built = await buildService({ ...workshop, engine, service, build, rules, accept, because, signal });
  return shipService({ engine, built, service, destination, place, loadImage, images, report, signal });
}
