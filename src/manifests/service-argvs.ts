import type { KubeObject } from '../objects.ts';
import type { PodTemplatePlace } from '../project.ts';
import { argvOf } from './container-argv.ts';
import { repositoryOf } from './images.ts';
import { containersOf, podTemplatesOf } from './pod-template.ts';

/**
 * @param start how the image starts by itself.
 * @returns what each container that runs the image runs in it; left out is what has to end: init containers, Jobs and
 * CronJobs.
 */
export function serviceArgvs(
  objects: readonly KubeObject[],
  image: string,
  start: Parameters<typeof argvOf>[1],
  places: readonly PodTemplatePlace[] = [],
): readonly (readonly string[])[] {
  return objects
    .filter(({ kind }) => kind !== 'Job' && kind !== 'CronJob')
    .flatMap((object) => podTemplatesOf(object, places))
    .flatMap((template) => containersOf(template, 'containers'))
    .filter((container) => repositoryOf(container.image ?? '') === repositoryOf(image))
    .map((container) => argvOf(container, start));
}
