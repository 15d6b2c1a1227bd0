import { pinImages } from '../manifests/images.ts';
import { type Launch, supervise } from '../manifests/supervise.ts';
import type { KubeObject } from '../objects.ts';
import type { Plan } from './plan.ts';

export interface Finishing {
  readonly plan: Plan;
  /** By the repository that the manifests name, the reference that pods shall run. */
  readonly images: ReadonlyMap<string, string>;
  /** By that reference; what `dev` alone has. */
  readonly launches?: ReadonlyMap<string, Launch>;
}

/** @returns a planned object as it is applied, but for its namespace. The same for whoever applies and whoever shows it. */
export function finishObject(object: KubeObject, { plan, images, launches = new Map() }: Finishing): KubeObject {
  const places = plan.project.podTemplates;
  return supervise(pinImages(object, images, places), launches, places);
}
