import { pathOf } from '../kube/api-path.ts';
import { ApiError, isForbidden, type Kube, type KubeResource, metadataOfOne } from '../kube/kube.ts';
import { mapLimited } from '../lib/map-limited.ts';
import { partOfLabel } from '../manifests/own.ts';
import type { KubeObject, ObjectId, ObjectMeta } from '../objects.ts';
import { type ApplySet, type ApplySetRef, applySetId, type Member } from './apply-set.ts';
import { askMaybe } from './ask.ts';
import { type GroupKind, groupKindOf, resourceOf } from './kinds.ts';
import { listMetadata } from './list-metadata.ts';
import type { Unseen } from './unseen.ts';

export interface Listed {
  readonly members: readonly Member[];
  /** Where there may be more of them. */
  readonly unseen: readonly Unseen[];
}

/**
 * @returns every member that the account may list: in the recorded kinds and namespaces, with the set's label, and owned by
 * no controller, for what a controller makes from a member may inherit its labels. Who is confined to a namespace goes on
 * with what is in it: a kind that he may not list stays recorded, and nothing is known of it.
 *
 * @param known where kinds live, as far as that was asked before.
 */
export async function listMembers(
  kube: Kube,
  set: ApplySet,
  signal: AbortSignal,
  known: ReadonlyMap<GroupKind, KubeResource> = new Map(),
): Promise<Listed> {
  const resources = await mapLimited(
    [...set.kinds],
    10,
    async (kind) => known.get(kind) ?? resourceOf(kube, kind, signal),
  );
  const namespaces = new Set([set.namespace, ...set.namespaces]);
  const collections = resources.flatMap((resource) => {
    if (!resource) return [];
    const places = resource.namespaced ? [...namespaces] : [undefined];
    return places.map((namespace) => ({ resource, namespace }));
  });
  const lists = await mapLimited(collections, 10, ({ resource, namespace }) =>
    listLabelled(kube, resource, namespace, `${partOfLabel}=${applySetId(set)}`, signal),
  );
  return {
    members: lists.flatMap((list) => (Array.isArray(list) ? list : [])),
    unseen: lists.flatMap((list, index) => {
      const collection = collections[index];
      return list instanceof ApiError && collection ? [{ ...collection, refusal: list }] : [];
    }),
  };
}

/** @returns an object that may be a member, by its name alone; undefined when it is none, or may not be read either. */
export async function readMember(
  kube: Kube,
  ref: ApplySetRef,
  { id, resource }: Pick<Member, 'id' | 'resource'>,
  signal: AbortSignal,
): Promise<Member | undefined> {
  try {
    const path = pathOf(resource, id);
    const found = await askMaybe<KubeObject>(kube, { method: 'GET', path, accept: metadataOfOne, signal });
    return found && isMember(found.metadata, ref) ? { id, resource, metadata: found.metadata } : undefined;
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** @returns the refusal, where the account may not list them. */
async function listLabelled(
  kube: Kube,
  resource: KubeResource,
  namespace: string | undefined,
  labelSelector: string,
  signal: AbortSignal,
): Promise<readonly Member[] | ApiError> {
  try {
    const listed = await listMetadata(kube, pathOf(resource, { namespace }), labelSelector, signal);
    return listed
      .filter((metadata) => !isControlled(metadata))
      .map((metadata) => ({ id: memberId(resource, metadata), resource, metadata }));
  } catch (error) {
    if (isForbidden(error)) return error;
    throw error;
  }
}

function isMember(metadata: ObjectMeta, ref: ApplySetRef): boolean {
  return metadata.labels?.[partOfLabel] === applySetId(ref) && !isControlled(metadata);
}

function isControlled({ ownerReferences = [] }: ObjectMeta): boolean {
  return ownerReferences.some(({ controller }) => controller);
}

function memberId({ apiVersion, kind }: KubeResource, { name, namespace }: ObjectMeta): ObjectId {
  return { apiVersion, kind, namespace, name };
}

/** @returns whether an object of it would have been listed. */
export function isUnseen({ id, resource }: Pick<Member, 'id' | 'resource'>, unseen: readonly Unseen[]): boolean {
  return unseen.some(
    (each) =>
      groupKindOf(each.resource) === groupKindOf(id) && (!resource.namespaced || each.namespace === id.namespace),
  );
}
