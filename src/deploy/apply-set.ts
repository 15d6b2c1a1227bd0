import { createHash } from 'node:crypto';
import { Failure } from '../errors.ts';
import type { Kube, KubeResource } from '../kube/kube.ts';
import { fieldManager, projectLabel } from '../objects.ts';
import type { KubeObject, ObjectId, ObjectMeta } from '../objects.ts';
import { askMaybe } from './ask.ts';
import { groupKindOf } from './kinds.ts';
import type { GroupKind } from './kinds.ts';
import { readNoted, writeNoted } from './noted-objects.ts';

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
  /** Nothing is deployed: what it names was kept when the rest was deleted. */
  readonly isDeleted?: boolean;
  /** Members that no manifest has any more, and that stay until they are asked for. */
  readonly kept?: readonly ObjectId[] | undefined;
  /** What the manifests have and the last applies could not write: the cluster has it not, or as it was before. */
  readonly refused?: readonly ObjectId[] | undefined;
  /** As it was read: see CompletedJobs. Writing the set leaves it as it is. */
  readonly completedJobs?: string | undefined;
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
const deletedAnnotation = 'stormctl.dev/deleted';
const keptAnnotation = 'stormctl.dev/kept';
const refusedAnnotation = 'stormctl.dev/refused';
const completedJobsAnnotation = 'stormctl.dev/completed-jobs';
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
  const set = setOf(ref, split(annotations[kindsAnnotation]), split(annotations[namespacesAnnotation]));
  const isDeleted = annotations[deletedAnnotation] === 'true';
  return {
    ...set,
    isDeleted,
    kept: readNoted(annotations[keptAnnotation]),
    refused: readNoted(annotations[refusedAnnotation]),
    completedJobs: annotations[completedJobsAnnotation],
  };
}

/** Writes what the set now says; the same again changes nothing in the cluster. */
export async function writeApplySet(kube: Kube, set: ApplySet, signal: AbortSignal): Promise<void> {
  const kept = writeNoted(set.kept ?? []);
  const refused = writeNoted(set.refused ?? []);
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
        ...(set.isDeleted ? { [deletedAnnotation]: 'true' } : {}),
        ...(kept === undefined ? {} : { [keptAnnotation]: kept }),
        ...(refused === undefined ? {} : { [refusedAnnotation]: refused }),
      },
    },
  };
  await kube.request({
    method: 'PATCH',
    path: inventoryPath(set),
    query: { fieldManager, force: true },
    contentType: 'application/apply-patch+yaml',
    body,
    signal,
  });
}

/** @param text undefined: none is remembered. @throws ApiError, also a 404 when there is no inventory. */
export async function writeCompletedJobs(
  kube: Kube,
  ref: ApplySetRef,
  text: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  await kube.request({
    method: 'PATCH',
    path: inventoryPath(ref),
    query: { fieldManager },
    // No apply: what that leaves out of the annotations would go.
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations: { [completedJobsAnnotation]: text ?? null } } },
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

/** @returns a set that has room for what either holds, to deploy it; what is noted of objects is that of the first. */
export function widen(a: ApplySet, b: ApplySet): ApplySet {
  const { kept, refused } = a;
  return { ...setOf(a, [...a.kinds, ...b.kinds], [...a.namespaces, ...b.namespaces]), kept, refused };
}

/** @returns whether two sets are written the same. */
export function isSameSet(a: ApplySet, b: ApplySet): boolean {
  const notes = ({ isDeleted = false, kept = [], refused = [] }: ApplySet) =>
    String([isDeleted, writeNoted(kept), writeNoted(refused)]);
  return notes(a) === notes(b) && sameItems(a.kinds, b.kinds) && sameItems(a.namespaces, b.namespaces);
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
