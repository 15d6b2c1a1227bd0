import { pathOf } from '../kube/api-path.ts';
import { isForbidden, type Kube, type KubeResource } from '../kube/kube.ts';
import { mapLimited } from '../lib/map-limited.ts';
import { partOfLabel } from '../manifests/own.ts';
import type { KubeObject, ObjectId, ObjectMeta } from '../objects.ts';
import { fieldManager } from '../objects.ts';
import type { ApplySet, ApplySetRef, Member } from './apply-set.ts';
import { applySetId, setFor, widen, writeApplySet } from './apply-set.ts';
import { askMaybe } from './ask.ts';
import { groupKindOf } from './kinds.ts';
import type { Unmarked } from './unmarked.ts';
import type { Unseen } from './unseen.ts';

const claimResource: KubeResource = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  namespaced: true,
};

interface StatefulSetSpec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly volumeClaimTemplates?: readonly { readonly metadata?: { readonly name?: string } }[];
}

export function isStatefulSet(id: Pick<ObjectId, 'apiVersion' | 'kind'>): boolean {
  return groupKindOf(id) === 'StatefulSet.apps';
}

/** @returns the names of the templates of which a StatefulSet makes claims for each of its pods. */
export function claimTemplatesOf(statefulSet: KubeObject): readonly string[] {
  const { volumeClaimTemplates = [] } = (statefulSet['spec'] ?? {}) as StatefulSetSpec;
  return volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? '');
}

export interface FoundClaims {
  readonly claims: readonly Member[];
  /** Where there may be more of them. */
  readonly unseen: readonly Unseen[];
}

/**
 * @returns the claims of StatefulSets that are about to go, as far as they are not members: their controller made them, and
 * nothing in the cluster ties them to the set once the StatefulSet has gone.
 */
export async function findClaims(
  kube: Kube,
  ref: ApplySetRef,
  members: readonly Member[],
  signal: AbortSignal,
): Promise<FoundClaims> {
  const statefulSets = members.filter(({ id }) => isStatefulSet(id));
  const lists = await mapLimited(statefulSets, 10, (member) => claimsOf(kube, ref, member, signal));
  const own = new Set(members.map(({ metadata }) => metadata.uid));
  return {
    // What has owners is removed with them.
    claims: lists
      .flatMap(({ claims }) => claims)
      .filter(({ metadata }) => !own.has(metadata.uid) && (metadata.ownerReferences ?? []).length === 0),
    unseen: lists.flatMap(({ unseen }) => unseen),
  };
}

/**
 * @param object what the StatefulSet of the cluster is about to be replaced by.
 * @returns the claims that it leaves behind, as far as they are not members: those of templates that the new one has not
 * got. Once the old one has gone nothing tells whose they are.
 */
export async function findOutgrownClaims(
  kube: Kube,
  ref: ApplySetRef,
  statefulSet: Member,
  object: KubeObject,
  signal: AbortSignal,
): Promise<FoundClaims> {
  const { claims, unseen } = await claimsOf(kube, ref, statefulSet, signal);
  // It is deleted without what it owns.
  const staysBehind = ({ id, metadata }: Member) =>
    !isClaimOf(id, object) && (metadata.ownerReferences ?? []).every(({ uid }) => uid === statefulSet.metadata.uid);
  const isMember = ({ metadata }: Member) => metadata.labels?.[partOfLabel] !== undefined;
  return { claims: claims.filter((claim) => staysBehind(claim) && !isMember(claim)), unseen };
}

export interface Adopted {
  /** As it is now recorded. */
  readonly set: ApplySet;
  readonly claims: readonly Member[];
  /** Those that the account may not mark: they are no members. */
  readonly unmarked: readonly Unmarked[];
}

/**
 * Takes claims that `findClaims` gave into the set: they are marked before their StatefulSets go.
 * @throws ApiError, but for the right to mark one; Failure `unreachable`; AbortError.
 */
export async function adoptClaims(
  kube: Kube,
  set: ApplySet,
  adopted: readonly Member[],
  signal: AbortSignal,
): Promise<Adopted> {
  if (adopted.length === 0) return { set, claims: [], unmarked: [] };
  const widened = widen(
    set,
    setFor(
      set,
      adopted.map(({ id }) => id),
    ),
  );
  await writeApplySet(kube, widened, signal);
  const unmarked: Unmarked[] = [];
  await mapLimited(adopted, 10, async ({ id, metadata }) => {
    // The uid is checked, not set: a claim made anew under the name is another one.
    const body = { metadata: { uid: metadata.uid, labels: { [partOfLabel]: applySetId(set) } } };
    const contentType = 'application/merge-patch+json';
    const path = pathOf(claimResource, id);
    try {
      await kube.request({ method: 'PATCH', path, query: { fieldManager }, contentType, body, signal });
    } catch (error) {
      if (!isForbidden(error)) throw error;
      unmarked.push({ id, refusal: error });
    }
  });
  const claims = adopted.filter(({ id }) => !unmarked.some((each) => each.id === id));
  return { set: widened, claims, unmarked };
}

/** @returns whether a claim bears the name that a StatefulSet gives its claims: `TEMPLATE-STATEFULSET-ORDINAL`. */
export function isClaimOf(claim: ObjectId, statefulSet: KubeObject): boolean {
  if (claim.namespace !== statefulSet.metadata.namespace) return false;
  return claimTemplatesOf(statefulSet).some((template) => {
    const prefix = `${template}-${statefulSet.metadata.name}-`;
    return claim.name.startsWith(prefix) && /^\d+$/.test(claim.name.slice(prefix.length));
  });
}

async function claimsOf(kube: Kube, ref: ApplySetRef, member: Member, signal: AbortSignal): Promise<FoundClaims> {
  try {
    const claims = await listClaims(kube, member, signal);
    return { claims: claims.filter(({ metadata }) => isFree(metadata, ref)), unseen: [] };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return { claims: [], unseen: [{ resource: claimResource, namespace: member.id.namespace, refusal: error }] };
  }
}

/** Whether no other project holds it: then that one made it. */
function isFree({ labels }: ObjectMeta, ref: ApplySetRef): boolean {
  const partOf = labels?.[partOfLabel];
  return partOf === undefined || partOf === applySetId(ref);
}

/** By name, and by the labels that the controller copies from the selector. */
async function listClaims(kube: Kube, { id, resource }: Member, signal: AbortSignal): Promise<readonly Member[]> {
  const statefulSet = await askMaybe<KubeObject>(kube, { method: 'GET', path: pathOf(resource, id), signal });
  if (!statefulSet) return [];
  if (claimTemplatesOf(statefulSet).length === 0) return [];
  const { selector } = (statefulSet['spec'] ?? {}) as StatefulSetSpec;
  const labelSelector = Object.entries(selector?.matchLabels ?? {})
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  const path = pathOf(claimResource, { namespace: id.namespace });
  const { items } = await kube.request<{ items: readonly KubeObject[] | null }>({
    method: 'GET',
    path,
    query: { labelSelector },
    signal,
  });
  return (items ?? [])
    .map(({ metadata }) => ({ id: claimId(metadata), resource: claimResource, metadata }))
    .filter((claim) => isClaimOf(claim.id, statefulSet));
}

function claimId({ name, namespace }: KubeObject['metadata']): ObjectId {
  return { apiVersion: claimResource.apiVersion, kind: claimResource.kind, namespace, name };
}
