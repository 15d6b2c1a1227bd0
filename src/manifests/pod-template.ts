import { isRecord, recordOf } from '../lib/is-record.ts';
import { groupOf } from '../objects.ts';
import type { KubeObject } from '../objects.ts';
import type { PodTemplatePlace } from '../project.ts';

/** What a pod is made of: a Pod itself, or the template in a workload. Raw: fields that stormctl does not know stay. */
export interface PodTemplate {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>>; readonly [field: string]: unknown };
  readonly spec: PodSpec;
  readonly [field: string]: unknown;
}

interface PodSpec {
  readonly [field: string]: unknown;
}

/** A container as it stands in a pod spec. */
export interface RawContainer {
  readonly name: string;
  readonly image?: string;
  readonly [field: string]: unknown;
}

/** A volume that holds what an image does. https://kubernetes.io/docs/concepts/storage/volumes/#image */
export interface RawImageVolume {
  readonly name: string;
  readonly image: { readonly reference: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const;
export type ContainerList = (typeof containerLists)[number];

/** Where each kind keeps its pod template; a Pod is its own. https://kubernetes.io/docs/concepts/workloads/ */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  '/Pod': [],
  '/PodTemplate': ['template'],
  '/ReplicationController': ['spec', 'template'],
  'apps/Deployment': ['spec', 'template'],
  'apps/StatefulSet': ['spec', 'template'],
  'apps/DaemonSet': ['spec', 'template'],
  'apps/ReplicaSet': ['spec', 'template'],
  'batch/Job': ['spec', 'template'],
  'batch/CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** The kinds whose pod templates are known, as `apps/Deployment`. */
export const kindsWithPods: readonly string[] = Object.keys(templatePaths);

/** @returns the pod template of a workload (of a Pod: itself), undefined for other kinds and for one without a spec. */
export function podTemplateOf(object: KubeObject): PodTemplate | undefined {
  return podTemplatesOf(object, [])[0];
}

/** @returns every pod template of an object, those at the places that the config names for its kind included. */
export function podTemplatesOf(object: KubeObject, places: readonly PodTemplatePlace[]): readonly PodTemplate[] {
  const found: PodTemplate[] = [];
  mapPodTemplates(object, places, (template) => {
    found.push(template);
    return template;
  });
  return found;
}

/** @returns the object with its pod templates changed, or the object itself when it has none. The input stays as it was. */
export function mapPodTemplates(
  object: KubeObject,
  places: readonly PodTemplatePlace[],
  change: (template: PodTemplate) => PodTemplate,
): KubeObject {
  return pathsOf(object, places).reduce((mapped, path) => mapAt(mapped, path, change) as KubeObject, object);
}

/** @returns the object with every container of its pod templates changed; `list` says which list it stands in. */
export function mapContainers(
  object: KubeObject,
  places: readonly PodTemplatePlace[],
  change: (container: RawContainer, list: ContainerList) => RawContainer,
): KubeObject {
  return mapPodTemplates(object, places, (template) => {
    const spec: Record<string, unknown> = { ...template.spec };
    for (const list of containerLists)
      if (Array.isArray(spec[list]))
        spec[list] = spec[list].map((item: unknown) => (isContainer(item) ? change(item, list) : item));
    return { ...template, spec };
  });
}

/** @returns the containers of one list of a pod template; entries that are no containers are the API server's to refuse. */
export function containersOf(template: PodTemplate, list: ContainerList): readonly RawContainer[] {
  const items = template.spec[list];
  return Array.isArray(items) ? items.filter(isContainer) : [];
}

/** @returns the object with every image volume of its pod templates changed. */
export function mapImageVolumes(
  object: KubeObject,
  places: readonly PodTemplatePlace[],
  change: (volume: RawImageVolume) => RawImageVolume,
): KubeObject {
  return mapPodTemplates(object, places, (template) => {
    const { volumes } = template.spec;
    if (!Array.isArray(volumes) || !volumes.some(isImageVolume)) return template;
    const changed = volumes.map((volume: unknown) => (isImageVolume(volume) ? change(volume) : volume));
    return { ...template, spec: { ...template.spec, volumes: changed } };
  });
}

/** @returns the volumes of a pod template that hold what an image does. */
export function imageVolumesOf({ spec: { volumes } }: PodTemplate): readonly RawImageVolume[] {
  return Array.isArray(volumes) ? volumes.filter(isImageVolume) : [];
}

function pathsOf(
  { apiVersion, kind }: KubeObject,
  places: readonly PodTemplatePlace[],
): readonly (readonly string[])[] {
  const group = groupOf(apiVersion);
  const own = templatePaths[`${group}/${kind}`];
  const named = places.filter((place) => place.kind === kind && (place.group ?? group) === group);
  const paths = [...(own ? [own] : []), ...named.map(({ path }) => path)];
  // A place that is named twice is changed once.
  return [...new Map(paths.map((path) => [path.join('.'), path])).values()];
}

/** `*` stands for every item of a list or a map. What is not there, or no pod template, stays as it is. */
function mapAt(value: unknown, path: readonly string[], change: (template: PodTemplate) => PodTemplate): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return isRecord(value) && isRecord(value['spec']) ? change(value as PodTemplate) : value;
  if (step === '*' && Array.isArray(value)) return value.map((item: unknown) => mapAt(item, rest, change));
  if (!isRecord(value)) return value;
  const keys = step === '*' ? Object.keys(value) : [step].filter((key) => key in value);
  const changed = keys.map((key) => [key, mapAt(value[key], rest, change)] as const);
  return changed.every(([key, item]) => item === value[key]) ? value : { ...value, ...Object.fromEntries(changed) };
}

function isContainer(value: unknown): value is RawContainer {
  return isRecord(value) && typeof value['name'] === 'string';
}

function isImageVolume(value: unknown): value is RawImageVolume {
  return (
    isRecord(value) && typeof value['name'] === 'string' && typeof recordOf(value['image'])['reference'] === 'string'
  );
}
