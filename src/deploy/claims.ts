import { pathOf } from '../kube/api-path.ts';
import type { Kube, KubeResource } from '../kube/kube.ts';
import { partOfLabel } from '../manifests/own.ts';
import { fieldManager } from '../objects.ts';
import type { KubeObject, ObjectId } from '../objects.ts';
import { applySetId, setFor, widen, writeApplySet } from './apply-set.ts';
import type { ApplySet, Member } from './apply-set.ts';
import { ask, askMaybe } from './ask.ts';
import { groupKindOf } from './kinds.ts';
import { mapLimited } from './map-limited.ts';

const claims: KubeResource = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  namespaced: true,
};

interface StatefulSetSpec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly volumeClaimTemplates?: readonly { readonly metadata?: { readonly name?: string } }[];
}

function isStatefulSet(id: ObjectId): boolean {
  return groupKindOf(id) === 'StatefulSet.apps';
}

/**
 * Takes the claims of StatefulSets that are about to go into the set. Their controller made them, nothing in the cluster
 * ties them to the set once the StatefulSet has gone, and so they are marked before.
 *
 * @returns the set as it is now recorded, and the claims as its members.
 */
export async function adoptClaims(
  kube: Kube,
  set: ApplySet,
  members: readonly Member[],
  signal: AbortSignal,
): Promise<{ readonly set: ApplySet; readonly claims: readonly Member[] }> {
  const found = (
    await mapLimited(
      members.filter(({ id }) => isStatefulSet(id)),
      10,
      (member) => claimsOf(kube, member, signal),
    )
  ).flat();
  const own = new Set(members.map(({ metadata }) => metadata.uid));
  const adopted = found.filter(({ metadata }) => !own.has(metadata.uid));
  if (adopted.length === 0) return { set, claims: [] };
  const widened = widen(
    set,
    setFor(
      set,
      adopted.map(({ id }) => id),
    ),
  );
  await writeApplySet(kube, widened, signal);
  await mapLimited(adopted, 10, ({ id, metadata }) =>
    ask(kube, {
      method: 'PATCH',
      path: pathOf(claims, id),
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      // The uid is checked, not set: a claim made anew under the name is another one.
      body: { metadata: { uid: metadata.uid, labels: { [partOfLabel]: applySetId(set) } } },
      signal,
    }),
  );
  return { set: widened, claims: adopted };
}

/** @returns whether a claim bears the name that a StatefulSet gives its claims: `TEMPLATE-STATEFULSET-ORDINAL`. */
export function isClaimOf(claim: ObjectId, statefulSet: KubeObject): boolean {
  if (claim.namespace !== statefulSet.metadata.namespace) return false;
  const { volumeClaimTemplates = [] } = (statefulSet['spec'] ?? {}) as StatefulSetSpec;
  return volumeClaimTemplates.some(({ metadata }) => {
    const prefix = `${metadata?.name ?? ''}-${statefulSet.metadata.name}-`;
    return claim.name.startsWith(prefix) && /^\d+$/.test(claim.name.slice(prefix.length));
  });
}

/** By name, by the labels that the controller copies from the selector, and owned by nobody who would remove them. */
async function claimsOf(kube: Kube, { id, resource }: Member, signal: AbortSignal): Promise<readonly Member[]> {
  const statefulSet = await askMaybe<KubeObject>(kube, { method: 'GET', path: pathOf(resource, id), signal });
  if (!statefulSet) return [];
  const { selector, volumeClaimTemplates = [] } = (statefulSet['spec'] ?? {}) as StatefulSetSpec;
  if (volumeClaimTemplates.length === 0) return [];
  const labelSelector = Object.entries(selector?.matchLabels ?? {})
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  const path = pathOf(claims, { namespace: id.namespace });
  const { items } = await ask<{ items: readonly KubeObject[] | null }>(kube, {
    method: 'GET',
    path,
    query: { labelSelector },
    signal,
  });
  return (items ?? [])
    .map(({ metadata }) => ({ id: claimId(metadata), resource: claims, metadata }))
    .filter((claim) => isClaimOf(claim.id, statefulSet) && (claim.metadata.ownerReferences ?? []).length === 0);
}

function claimId({ name, namespace }: KubeObject['metadata']): ObjectId {
  return { apiVersion: claims.apiVersion, kind: claims.kind, namespace, name };
}
