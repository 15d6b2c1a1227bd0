import { ApiError, type Kube, type KubeResource } from '../kube/kube.ts';
import { partOfLabel } from '../manifests/own.ts';
import { formatId, type KubeObject, type ObjectId } from '../objects.ts';
import { applySetId, idLabel } from './apply-set.ts';
import type { ApplySet, ApplySetRef, Member } from './apply-set.ts';
import { createdForLabel, readNamespace } from './ensure-namespace.ts';
import { nameSome } from './name-some.ts';
import { isNamespace } from './protected.ts';
import { whyForbidden } from './refusal-words.ts';

const namespaceKind: KubeResource = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };

/**
 * @returns the namespaces that stormctl made or applied for a project, and that are still there; not one that the account
 * may not read: whose it is can't be known.
 */
export async function ownNamespaces(
  kube: Kube,
  ref: ApplySetRef,
  set: ApplySet | undefined,
  members: readonly Member[],
  signal: AbortSignal,
): Promise<readonly Member[]> {
  const applied = members.filter(({ id }) => isNamespace(id)).map(({ id }) => id.name);
  const names = new Set([...applied, ...(set?.namespaces ?? []), ref.namespace]);
  const found = await Promise.all([...names].map((name) => readNamespace(kube, name, signal)));
  return found.flatMap((namespace) => {
    if (!namespace || namespace === 'unreadable') return [];
    const { labels = {} } = namespace.metadata;
    if (labels[createdForLabel] !== ref.name && labels[partOfLabel] !== applySetId(ref)) return [];
    const { metadata } = namespace;
    return [{ id: { apiVersion: 'v1', kind: 'Namespace', name: metadata.name }, resource: namespaceKind, metadata }];
  });
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces */
const kubernetesOwn = /^(default|kube-.*)$/;

/**
 * With a namespace goes everything in it. @returns what in it is not ours to take, or can't be seen; undefined when nothing is.
 *
 * @param going claims in it, by uid, that are to be deleted before it.
 */
export async function reasonAgainstNamespace(
  kube: Kube,
  ref: ApplySetRef,
  namespace: string,
  signal: AbortSignal,
  going: ReadonlySet<string> = new Set(),
): Promise<string | undefined> {
  if (kubernetesOwn.test(namespace)) return 'it is one of Kubernetes’ own';
  try {
    return await reasonInside(kube, ref, namespace, going, signal);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    return `what else it holds can't be seen: ${whyForbidden(error.message)}`;
  }
}

/** @returns why a namespace stays that would take along what was refused its deletion, if there is any such thing in it. */
export function reasonOfRefused(namespace: string, refused: readonly ObjectId[]): string | undefined {
  const inside = refused.filter((id) => id.namespace === namespace);
  return inside.length > 0 ? `it holds what can't be deleted: ${nameSome(inside, formatId)}` : undefined;
}

async function reasonInside(
  kube: Kube,
  ref: ApplySetRef,
  namespace: string,
  going: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const base = `/api/v1/namespaces/${namespace}`;
  const claims = await namesIn(kube, `${base}/persistentvolumeclaims`, undefined, signal, going);
  if (claims.length > 0) return `it still holds claims: ${claims.join(', ')}`;
  const inventories = await namesIn(kube, `${base}/configmaps`, idLabel, signal);
  const others = inventories.filter((name) => name !== `stormctl-${ref.name}`);
  if (others.length > 0) return `other projects have their inventory in it: ${others.join(', ')}`;
  const foreign = await foreignIn(kube, ref, namespace, signal);
  return foreign.length > 0 ? `it holds what stormctl did not apply: ${foreign.join(', ')}` : undefined;
}

/** What people put into a namespace by hand; the rest of a namespace belongs to these. */
const looked = [
  ['/api/v1', 'pods', 'Pod'],
  ['/api/v1', 'services', 'Service'],
  ['/api/v1', 'configmaps', 'ConfigMap'],
  ['/api/v1', 'secrets', 'Secret'],
  ['/apis/apps/v1', 'deployments', 'Deployment'],
  ['/apis/apps/v1', 'statefulsets', 'StatefulSet'],
  ['/apis/apps/v1', 'daemonsets', 'DaemonSet'],
  ['/apis/batch/v1', 'jobs', 'Job'],
  ['/apis/batch/v1', 'cronjobs', 'CronJob'],
] as const;

/** Every namespace has the first; the second are made by controllers for its accounts. */
const everywhere = new Set(['configmap/kube-root-ca.crt']);
const accountToken = 'kubernetes.io/service-account-token';

async function foreignIn(
  kube: Kube,
  ref: ApplySetRef,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await Promise.all(
    looked.map(async ([api, plural, kind]) => {
      const path = `${api}/namespaces/${namespace}/${plural}`;
      const { items } = await kube.request<{ items: readonly KubeObject[] | null }>({ method: 'GET', path, signal });
      return (items ?? [])
        .filter(({ metadata, ...object }) => {
          const isOurs = metadata.labels?.[partOfLabel] === applySetId(ref) || metadata.labels?.[idLabel] !== undefined;
          const isOwned = (metadata.ownerReferences?.length ?? 0) > 0;
          return !isOurs && !isOwned && !metadata.deletionTimestamp && object['type'] !== accountToken;
        })
        .map(({ metadata }) => formatId({ kind, name: metadata.name }));
    }),
  );
  return found.flat().filter((name) => !everywhere.has(name));
}

async function namesIn(
  kube: Kube,
  path: string,
  labelSelector: string | undefined,
  signal: AbortSignal,
  without: ReadonlySet<string> = new Set(),
): Promise<readonly string[]> {
  const list = await kube.request<{ items: readonly KubeObject[] | null }>({
    method: 'GET',
    path,
    query: { labelSelector },
    signal,
  });
  return (list.items ?? [])
    .filter(({ metadata }) => !without.has(metadata.uid ?? ''))
    .map(({ metadata }) => metadata.name);
}
