import type { KubeObject } from '../objects.ts';
import { nearest } from '../lib/nearest.ts';
import type { PodTemplatePlace } from '../project.ts';
import {
  containerLists,
  containersOf,
  imageVolumesOf,
  mapContainers,
  mapImageVolumes,
  podTemplatesOf,
} from './pod-template.ts';

export interface ContainerImage {
  readonly container: string;
  /** As the manifest writes it. */
  readonly image: string;
  readonly init: boolean;
}

/** @returns the images that an object's pods run, in the order in which their containers stand. */
export function imagesOf(object: KubeObject, places: readonly PodTemplatePlace[] = []): readonly ContainerImage[] {
  return podTemplatesOf(object, places).flatMap((template) =>
    containerLists.flatMap((list) =>
      containersOf(template, list).flatMap(({ name, image }) =>
        typeof image === 'string' ? [{ container: name, image, init: list === 'initContainers' }] : [],
      ),
    ),
  );
}

export interface NamedImage {
  /** The container's, or `volumes/data`, which no container can have. */
  readonly name: string;
  readonly image: string;
}

/** @returns all that an object's pods pull: the images that they run, and those that they mount. */
export function pulledImagesOf(object: KubeObject, places: readonly PodTemplatePlace[] = []): readonly NamedImage[] {
  const mounted = podTemplatesOf(object, places).flatMap((template) =>
    imageVolumesOf(template).map(({ name, image }) => ({ name: `volumes/${name}`, image: image.reference })),
  );
  return [...imagesOf(object, places).map(({ container, image }) => ({ name: container, image })), ...mounted];
}

/** @returns `localhost:5000/storm/web` of `localhost:5000/storm/web:1@sha256:…`. */
export function repositoryOf(reference: string): string {
  const [name = ''] = reference.split('@');
  const tag = name.indexOf(':', name.lastIndexOf('/') + 1);
  return tag < 0 ? name : name.slice(0, tag);
}

/** @returns the workloads that use an image, whatever tag or digest they write. */
export function usersOf(
  image: string,
  objects: readonly KubeObject[],
  places: readonly PodTemplatePlace[] = [],
): readonly KubeObject[] {
  const repository = repositoryOf(image);
  return objects.filter((object) =>
    pulledImagesOf(object, places).some((used) => repositoryOf(used.image) === repository),
  );
}

/**
 * @param pins repository as the manifests write it, to the reference that pods shall run.
 * @returns the object with every such container and image volume pinned. A pinned reference never changes what it names, so it is
 * pulled only when the node has not got it: a loaded image is in no registry, and a pushed one is pulled once.
 */
export function pinImages(
  object: KubeObject,
  pins: ReadonlyMap<string, string>,
  places: readonly PodTemplatePlace[] = [],
): KubeObject {
  const pinOf = (image: unknown) => (typeof image === 'string' ? pins.get(repositoryOf(image)) : undefined);
  const running = mapContainers(object, places, (container) => {
    const pin = pinOf(container.image);
    return pin === undefined ? container : { ...container, image: pin, imagePullPolicy: 'IfNotPresent' };
  });
  return mapImageVolumes(running, places, (volume) => {
    const pin = pinOf(volume.image.reference);
    if (pin === undefined) return volume;
    return { ...volume, image: { ...volume.image, reference: pin, pullPolicy: 'IfNotPresent' } };
  });
}

/** @returns the image of the manifests that a misspelt one most likely means. */
export function nearestImage(
  image: string,
  objects: readonly KubeObject[],
  places: readonly PodTemplatePlace[] = [],
): string | undefined {
  const used = objects.flatMap((object) => pulledImagesOf(object, places).map((each) => repositoryOf(each.image)));
  return nearest(repositoryOf(image), [...new Set(used)]);
}
