import type { Kube, KubeResource } from '../kube/kube.ts';
import { partOfLabel } from '../manifests/own.ts';
import type { KubeObject } from '../objects.ts';
import { applySetId, idLabel } from './apply-set.ts';
import type { ApplySet, ApplySetRef, Member } from './apply-set.ts';
import { ask, askMaybe } from './ask.ts';
import { createdForLabel } from './ensure-namespace.ts';
import { isNamespace } from './protected.ts';

const namespaceKind: KubeResource = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };

/** @returns the namespaces that stormctl made or applied for a project, and that are still there. */
export async function ownNamespaces(
  kube: Kube,
  ref: ApplySetRef,
  set: ApplySet | undefined,
  members: readonly Member[],
  signal: AbortSignal,
): Promise<readonly Member[]> {
  const applied = members.filter(({ id }) => isNamespace(id)).map(({ id }) => id.name);
  const names = new Set([...applied, ...(set?.namespaces ?? []), ref.namespace]);
  const found = await Promise.all(
    [...names].map((name) => askMaybe<KubeObject>(kube, { method: 'GET', path: `/api/v1/namespaces/${name}`, signal })),
  );
  return found.flatMap((namespace) => {
    const labels = namespace?.metadata.labels ?? {};
    if (!namespace || (labels[createdForLabel] !== ref.name && labels[partOfLabel] !== applySetId(ref))) return [];
    const { metadata } = namespace;
    return [{ id: { apiVersion: 'v1', kind: 'Namespace', name: metadata.name }, resource: namespaceKind, metadata }];
  });
}

/** With a namespace goes everything in it. @returns what in it is not ours to take; undefined when nothing is. */
export async function reasonAgainstNamespace(
  kube: Kube,
  ref: ApplySetRef,
  namespace: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const base = `/api/v1/namespaces/${namespace}`;
  const claims = await namesIn(kube, `${base}/persistentvolumeclaims`, undefined, signal);
  if (claims.length > 0) return `it still holds claims: ${claims.join(', ')}`;
  const inventories = await namesIn(kube, `${base}/configmaps`, idLabel, signal);
  const others = inventories.filter((name) => name !== `stormctl-${ref.name}`);
  return others.length > 0 ? `other projects have their inventory in it: ${others.join(', ')}` : undefined;
}

async function namesIn(
  kube: Kube,
  path: string,
  labelSelector: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const list = await ask<{ items: readonly KubeObject[] | null }>(kube, {
    method: 'GET',
    path,
    query: { labelSelector },
    signal,
  });
  return (list.items ?? []).map(({ metadata }) => metadata.name);
}
