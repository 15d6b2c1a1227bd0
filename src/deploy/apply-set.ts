import { createHash } from 'node:crypto';
import { Failure } from '../errors.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube, KubeResource } from '../kube/kube.ts';
import { partOfLabel } from '../manifests/own.ts';
import { fieldManager, projectLabel } from '../objects.ts';
import type { KubeObject, ObjectId, ObjectMeta } from '../objects.ts';
import { ask, askMaybe } from './ask.ts';
import { groupKindOf, resourceOf } from './kinds.ts';
import type { GroupKind } from './kinds.ts';
import { mapLimited } from './map-limited.ts';

/**
 * The inventory of a project, in the ApplySet format (KEP-3659): a ConfigMap that names the kinds and the namespaces in
 * which members are, while the members carry its id as a label. It is widened before an object is written and narrowed
 * after objects have gone, so that whatever kills stormctl, every member can be found.
 * https://kubernetes.io/docs/reference/labels-annotations-taints/#applyset-kubernetes-io-id
 */
export interface ApplySet {
  readonly name: string;
  readonly namespace: string;
  readonly kinds: ReadonlySet<GroupKind>;
  /** Besides its own. */
  readonly namespaces: ReadonlySet<string>;
}

export interface ApplySetRef {
  /** The project's. */
  readonly name: string;
  /** Where the ConfigMap lies. */
  readonly namespace: string;
}

/** An object that carries the set's label: what is known of it without reading it whole. */
export interface Member {
  readonly id: ObjectId;
  readonly resource: KubeResource;
  readonly metadata: ObjectMeta;
}

export const idLabel = 'applyset.kubernetes.io/id';
const toolingAnnotation = 'applyset.kubernetes.io/tooling';
const kindsAnnotation = 'applyset.kubernetes.io/contains-group-kinds';
const namespacesAnnotation = 'applyset.kubernetes.io/additional-namespaces';
const tooling = 'stormctl/v1';

/** @returns the value of the part-of label of a project's objects. */
export function applySetId({ name, namespace }: ApplySetRef): string {
  const hash = createHash('sha256')
    .update(`${configMapName(name)}.${namespace}.ConfigMap.`)
    .digest('base64url');
  return `applyset-${hash}-v1`;
}

/** @throws Failure `guard` when a ConfigMap of that name is there and is not stormctl's. */
export async function readApplySet(kube: Kube, ref: ApplySetRef, signal: AbortSignal): Promise<ApplySet | undefined> {
  const found = await askMaybe<KubeObject>(kube, { method: 'GET', path: inventoryPath(ref), signal });
  if (!found) return undefined;
  const { labels, annotations } = found.metadata;
  if (labels?.[idLabel] !== applySetId(ref) || !annotations?.[toolingAnnotation]?.startsWith('stormctl/'))
    throw new Failure(
      'guard',
      `configmap/${configMapName(ref.name)} is not stormctl's, and its inventory goes by that name`,
      {
        where: `configmap/${configMapName(ref.name)} in ${ref.namespace}`,
        next: 'give the project another `name`, or remove that ConfigMap',
      },
    );
  return setOf(ref, split(annotations[kindsAnnotation]), split(annotations[namespacesAnnotation]));
}

/** Writes what the set now says; the same again changes nothing in the cluster. */
export async function writeApplySet(kube: Kube, set: ApplySet, signal: AbortSignal): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: configMapName(set.name),
      namespace: set.namespace,
      labels: { [idLabel]: applySetId(set), [projectLabel]: set.name },
      annotations: {
        [toolingAnnotation]: tooling,
        [kindsAnnotation]: [...set.kinds].sort().join(','),
        [namespacesAnnotation]: [...set.namespaces].sort().join(','),
      },
    },
  };
  await ask(kube, {
    method: 'PATCH',
    path: inventoryPath(set),
    query: { fieldManager, force: true },
    contentType: 'application/apply-patch+yaml',
    body,
    signal,
  });
}

export async function removeApplySet(kube: Kube, ref: ApplySetRef, signal: AbortSignal): Promise<void> {
  await askMaybe(kube, { method: 'DELETE', path: inventoryPath(ref), signal });
}

/** @returns the set that has room for these objects. */
export function setFor(ref: ApplySetRef, ids: readonly ObjectId[]): ApplySet {
  return setOf(
    ref,
    ids.map(groupKindOf),
    ids.map(({ namespace }) => namespace ?? ref.namespace),
  );
}

/** @returns a set that has room for what either holds. */
export function widen(a: ApplySet, b: ApplySet): ApplySet {
  return setOf(a, [...a.kinds, ...b.kinds], [...a.namespaces, ...b.namespaces]);
}

/** @returns whether two sets are written the same. */
export function isSameSet(a: ApplySet, b: ApplySet): boolean {
  return sameItems(a.kinds, b.kinds) && sameItems(a.namespaces, b.namespaces);
}

/**
 * @returns every member: in the recorded kinds and namespaces, with the set's label, and owned by no controller, for what
 * a controller makes from a member may inherit its labels.
 */
export async function listMembers(kube: Kube, set: ApplySet, signal: AbortSignal): Promise<readonly Member[]> {
  const resources = await mapLimited([...set.kinds], 10, (kind) => resourceOf(kube, kind, signal));
  const namespaces = new Set([set.namespace, ...set.namespaces]);
  const collections = resources.flatMap((resource) => {
    if (!resource) return [];
    if (!resource.namespaced) return [{ resource, path: pathOf(resource, {}) }];
    return [...namespaces].map((namespace) => ({ resource, path: pathOf(resource, { namespace }) }));
  });
  const lists = await mapLimited(collections, 10, ({ resource, path }) =>
    listLabelled(kube, resource, path, `${partOfLabel}=${applySetId(set)}`, signal),
  );
  return lists.flat();
}

async function listLabelled(
  kube: Kube,
  resource: KubeResource,
  path: string,
  labelSelector: string,
  signal: AbortSignal,
): Promise<readonly Member[]> {
  // Metadata alone: Secrets stay where they are, and large objects cost nothing.
  const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
  const list = await askMaybe<{ items: readonly { metadata: ObjectMeta }[] | null }>(kube, {
    method: 'GET',
    path,
    query: { labelSelector },
    accept,
    signal,
  });
  return (list?.items ?? [])
    .filter(({ metadata }) => !metadata.ownerReferences?.some(({ controller }) => controller))
    .map(({ metadata }) => ({ id: memberId(resource, metadata), resource, metadata }));
}

function memberId({ apiVersion, kind }: KubeResource, { name, namespace }: ObjectMeta): ObjectId {
  return { apiVersion, kind, namespace, name };
}

function setOf({ name, namespace }: ApplySetRef, kinds: readonly GroupKind[], namespaces: readonly string[]): ApplySet {
  const additional = namespaces.filter((each) => each !== namespace);
  return { name, namespace, kinds: new Set(kinds), namespaces: new Set(additional) };
}

function configMapName(project: string): string {
  return `stormctl-${project}`;
}

function inventoryPath({ name, namespace }: ApplySetRef): string {
  return `/api/v1/namespaces/${namespace}/configmaps/${configMapName(name)}`;
}

function split(list: string | undefined): readonly string[] {
  return (list ?? '').split(',').filter((item) => item !== '');
}

function sameItems(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
