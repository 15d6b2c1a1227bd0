import type { KubeObject } from '../objects.ts';
import { nearest } from '../lib/nearest.ts';
import { containerLists, containersOf, mapContainers, podTemplateOf } from './pod-template.ts';

export interface ContainerImage {
  readonly container: string;
  /** As the manifest writes it. */
  readonly image: string;
  readonly init: boolean;
}

/** @returns the images that an object's pods run, in the order in which their containers stand. */
export function imagesOf(object: KubeObject): readonly ContainerImage[] {
  const template = podTemplateOf(object);
  if (!template) return [];
  return containerLists.flatMap((list) =>
    containersOf(template, list).flatMap(({ name, image }) =>
      typeof image === 'string' ? [{ container: name, image, init: list === 'initContainers' }] : [],
    ),
  );
}

/** @returns `localhost:5000/storm/web` of `localhost:5000/storm/web:1@sha256:…`. */
export function repositoryOf(reference: string): string {
  const [name = ''] = reference.split('@');
  const tag = name.indexOf(':', name.lastIndexOf('/') + 1);
  return tag < 0 ? name : name.slice(0, tag);
}

/** @returns the workloads that use an image, whatever tag or digest they write. */
export function usersOf(image: string, objects: readonly KubeObject[]): readonly KubeObject[] {
  const repository = repositoryOf(image);
  return objects.filter((object) => imagesOf(object).some((used) => repositoryOf(used.image) === repository));
}

/**
 * @param pins repository as the manifests write it, to the reference that pods shall run.
 * @returns the object with every such container pinned. A pinned reference never changes what it names, so its container
 * pulls only when the node has not got it: a loaded image is in no registry, and a pushed one is pulled once.
 */
export function pinImages(object: KubeObject, pins: ReadonlyMap<string, string>): KubeObject {
  return mapContainers(object, (container) => {
    const pin = typeof container.image === 'string' ? pins.get(repositoryOf(container.image)) : undefined;
    return pin === undefined ? container : { ...container, image: pin, imagePullPolicy: 'IfNotPresent' };
  });
}

/** @returns the image of the manifests that a misspelt one most likely means. */
export function nearestImage(image: string, objects: readonly KubeObject[]): string | undefined {
  const used = objects.flatMap((object) => imagesOf(object).map((each) => repositoryOf(each.image)));
  return nearest(repositoryOf(image), [...new Set(used)]);
}
