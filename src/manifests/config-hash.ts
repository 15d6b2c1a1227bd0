import { createHash } from 'node:crypto';
import { recordOf } from '../lib/is-record.ts';
import { stringifyJson } from '../lib/json.ts';
import { groupOf, type KubeObject, keyOf, type ObjectId } from '../objects.ts';
import type { PodTemplatePlace } from '../project.ts';
import { configUses } from './config-uses.ts';
import { mapPodTemplates, type PodTemplate, podTemplatesOf } from './pod-template.ts';

/** On a pod template: a hash of what its pods are given of the project's ConfigMaps and Secrets. */
const configHashAnnotation = 'stormctl.dev/config-hash';

/** What one ConfigMap or Secret holds. */
export interface ConfigSource {
  readonly id: ObjectId;
  /** By key a digest of the value; labels, annotations and the order of keys leave no trace. */
  readonly values: ReadonlyMap<string, { readonly digest: string; readonly isBinary: boolean }>;
}

export interface ConfigStamp {
  readonly object: KubeObject;
  /** What restarts its pods when it changes. */
  readonly uses: readonly ObjectId[];
}

/** @returns undefined for an object that is neither ConfigMap nor Secret. @param namespace of objects that name none. */
export function configSource(object: KubeObject, namespace: string): ConfigSource | undefined {
  const { apiVersion, kind, metadata } = object;
  if (apiVersion !== 'v1' || (kind !== 'ConfigMap' && kind !== 'Secret')) return undefined;
  const id = { apiVersion, kind, namespace: metadata.namespace ?? namespace, name: metadata.name };
  const isSecret = kind === 'Secret';
  return {
    id,
    values: new Map([
      ...valuesOf(object['data'], isSecret ? 'base64' : 'utf8', false),
      // What stands under both is the later one's, in the cluster as well.
      ...(isSecret ? valuesOf(object['stringData'], 'utf8', false) : valuesOf(object['binaryData'], 'base64', true)),
    ]),
  };
}

/**
 * @param find the project's ConfigMap or Secret of that id.
 * @param namespace of an object that names none.
 * @returns a workload whose pods are replaced when what they are given changes: a hash of it stands in their template. The
 * same manifests give the same hash, everywhere. Left alone are what has to end and what nobody replaces: a Job that is
 * done must not run again for a setting that it shares, and a change of a ReplicaSet's template reaches no pod.
 */
export function stampConfig(
  object: KubeObject,
  find: (id: ObjectId) => ConfigSource | undefined,
  namespace: string,
  places: readonly PodTemplatePlace[] = [],
): ConfigStamp {
  if (leftAlone.has(`${groupOf(object.apiVersion)}/${object.kind}`)) return { object, uses: [] };
  const uses = new Map<string, ObjectId>();
  const stamped = mapPodTemplates(object, places, (template) => {
    if (ends(template)) return template;
    const used = usedOf(template, object.metadata.namespace ?? namespace, find);
    for (const { id } of used) uses.set(keyOf(id), id);
    return annotate(template, used.length === 0 ? undefined : hashOf(used));
  });
  return { object: stamped, uses: [...uses.values()] };
}

/** @returns the hashes in its pod templates; none where they use nothing, or nothing restarts them. */
export function configHashesOf(object: KubeObject, places: readonly PodTemplatePlace[]): readonly string[] {
  return podTemplatesOf(object, places).flatMap(({ metadata }) => {
    const hash = recordOf(metadata?.['annotations'])[configHashAnnotation];
    return typeof hash === 'string' ? [hash] : [];
  });
}

/** Enough to tell two contents apart, and short enough to be read in a diff. */
const hashLength = 16;

/** Kinds of Kubernetes' own with a template whose change replaces no pod, or runs again what is done. */
const leftAlone: ReadonlySet<string> = new Set([
  '/Pod',
  '/PodTemplate',
  '/ReplicationController',
  'apps/ReplicaSet',
  'batch/Job',
  'batch/CronJob',
]);

/** Whether its pods are to be done one day, whatever kind makes them: a JobSet's, say. */
function ends({ spec }: PodTemplate): boolean {
  return spec['restartPolicy'] === 'Never' || spec['restartPolicy'] === 'OnFailure';
}

interface Used {
  readonly id: ObjectId;
  /** Key to digest; null for a key that the source has not got. */
  readonly values: Map<string, string | null>;
}

/** What several containers use of one source is one use of it. */
function usedOf(
  template: PodTemplate,
  namespace: string,
  find: (id: ObjectId) => ConfigSource | undefined,
): readonly Used[] {
  const all = new Map<string, Used>();
  for (const { kind, name, keys, as } of configUses(template)) {
    const source = find({ apiVersion: 'v1', kind, namespace, name });
    if (!source) continue;
    const { id, values } = source;
    const used = all.get(keyOf(id)) ?? { id, values: new Map() };
    all.set(keyOf(id), used);
    for (const key of keys ?? values.keys()) {
      const value = values.get(key);
      const isGiven = value && (as === 'files' || !value.isBinary);
      if (isGiven) used.values.set(key, value.digest);
      else if (keys && !used.values.has(key)) used.values.set(key, null);
    }
  }
  return [...all.values()];
}

function hashOf(used: readonly Used[]): string {
  const canonical = used
    .map(({ id, values }) => [`${id.kind}/${id.name}`, [...values].toSorted(byText)] as const)
    .toSorted(byText);
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex').slice(0, hashLength);
}

/** By code units: the same order in every locale. */
function byText([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}

function annotate(template: PodTemplate, hash: string | undefined): PodTemplate {
  const { [configHashAnnotation]: old, ...others } = recordOf(template.metadata?.['annotations']);
  if (hash === undefined && old === undefined) return template;
  const annotations = hash === undefined ? others : { ...others, [configHashAnnotation]: hash };
  return { ...template, metadata: { ...template.metadata, annotations } };
}

/** What the server would refuse (a number) has a digest, too: the refusal is the server's. */
function valuesOf(field: unknown, encoding: 'utf8' | 'base64', isBinary: boolean) {
  return Object.entries(recordOf(field)).map(([key, value]) => {
    const bytes = typeof value === 'string' ? Buffer.from(value, encoding) : stringifyJson(value);
    return [key, { digest: createHash('sha256').update(bytes).digest('base64url'), isBinary }] as const;
  });
}
