import { isRecord } from '../lib/is-record.ts';
import { groupOf } from '../objects.ts';
import type { KubeObject } from '../objects.ts';

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

export const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const;
export type ContainerList = (typeof containerLists)[number];

/** Where each kind keeps its pod template; a Pod is its own. https://kubernetes.io/docs/concepts/workloads/ */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  '/Pod': [],
  'apps/Deployment': ['spec', 'template'],
  'apps/StatefulSet': ['spec', 'template'],
  'apps/DaemonSet': ['spec', 'template'],
  'apps/ReplicaSet': ['spec', 'template'],
  'batch/Job': ['spec', 'template'],
  'batch/CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** @returns the pod template of a workload (of a Pod: itself), undefined for other kinds and for one without a spec. */
export function podTemplateOf(object: KubeObject): PodTemplate | undefined {
  let at: unknown = object;
  const path = pathOf(object);
  if (!path) return undefined;
  for (const step of path) at = isRecord(at) ? at[step] : undefined;
  return isRecord(at) && isRecord(at['spec']) ? (at as PodTemplate) : undefined;
}

/** @returns the object with its pod template changed, or the object itself when it has none. The input stays as it was. */
export function mapPodTemplate(object: KubeObject, change: (template: PodTemplate) => PodTemplate): KubeObject {
  const path = pathOf(object);
  if (!path || !podTemplateOf(object)) return object;
  return mapAt(object, path, change) as KubeObject;
}

/** @returns the object with every container of its pod template changed; `list` says which list it stands in. */
export function mapContainers(
  object: KubeObject,
  change: (container: RawContainer, list: ContainerList) => RawContainer,
): KubeObject {
  return mapPodTemplate(object, (template) => {
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

function pathOf(object: KubeObject): readonly string[] | undefined {
  return templatePaths[`${groupOf(object.apiVersion)}/${object.kind}`];
}

function mapAt(value: unknown, path: readonly string[], change: (template: PodTemplate) => PodTemplate): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change(value as PodTemplate);
  const record = value as Record<string, unknown>;
  return { ...record, [step]: mapAt(record[step], rest, change) };
}

function isContainer(value: unknown): value is RawContainer {
  return isRecord(value) && typeof value['name'] === 'string';
}
