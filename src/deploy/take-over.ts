import { pathOf } from '../kube/api-path.ts';
import { ApiError, type Kube, type KubeResource, metadataOfOne } from '../kube/kube.ts';
import { isRecord } from '../lib/is-record.ts';
import type { KubeObject, ObjectId, ObjectMeta } from '../objects.ts';
import { fieldManager } from '../objects.ts';
import { isManifestTool } from './conflicts.ts';
import { type Fields, isOwn, type ManagedFields, managedFieldsOf } from './managed-fields.ts';

/**
 * Makes the fields that other tools of manifests wrote ours, as `kubectl apply --server-side` does with those of its own
 * client-side apply: the next apply changes them, and removes those that the manifest has not got.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#upgrading-from-client-side-apply-to-server-side-apply
 *
 * @returns the tools, without stormctl itself; undefined where there was nothing to take. @throws ApiError, 409 when the object
 * changes each time.
 */
export async function takeOver(
  kube: Kube,
  object: { readonly id: ObjectId; readonly resource: KubeResource },
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  for (let left = mostTries - 1; ; left--)
    try {
      return await takeOnce(kube, object, signal);
    } catch (error) {
      if (left === 0 || !(error instanceof ApiError) || error.status !== 409) throw error;
    }
}

/** The status of a workload that is rolling out is written several times a second. */
const mostTries = 10;

async function takeOnce(
  kube: Kube,
  { id, resource }: { readonly id: ObjectId; readonly resource: KubeResource },
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const path = pathOf(resource, id);
  const { metadata } = await kube.request<KubeObject>({ method: 'GET', path, accept: metadataOfOne, signal });
  const entries = managedFieldsOf(metadata);
  const taken = entries.filter(isTools);
  if (taken.length === 0) return undefined;
  const own = entries.find(isOwn);
  const [first] = own ? [own] : taken;
  const joined = {
    ...first,
    manager: fieldManager,
    operation: 'Apply',
    fieldsV1: [own, ...taken].reduce<Fields>((fields, entry) => unite(fields, entry?.fieldsV1 ?? {}), {}),
  };
  const left = entries.filter((entry) => !isOwn(entry) && !taken.includes(entry));
  await kube.request({
    method: 'PATCH',
    path,
    contentType: 'application/merge-patch+json',
    // The version is checked, not set: what somebody writes in between is not to be lost.
    body: { metadata: { resourceVersion: metadata.resourceVersion, managedFields: [joined, ...left] } },
    signal,
  });
  return [...new Set(taken.map(({ manager }) => manager ?? ''))].filter((manager) => manager !== fieldManager);
}

/** @returns whether another tool of manifests holds a field of the object. */
export function holdsManifestTool(metadata: ObjectMeta): boolean {
  return managedFieldsOf(metadata).some(isTools);
}

/** @returns who wrote fields of an object besides stormctl, state and scale apart. */
export function writersOf(metadata: ObjectMeta): readonly string[] {
  const others = managedFieldsOf(metadata).filter((entry) => !isOwn(entry) && !entry.subresource);
  return [...new Set(others.flatMap(({ manager }) => manager ?? []))];
}

function isTools(entry: ManagedFields): boolean {
  return !isOwn(entry) && !entry.subresource && entry.fieldsV1 !== undefined && isManifestTool(entry.manager ?? '');
}

/** A field that is in a set by itself and has fields below it says so by `.`. */
function unite(a: Fields, b: Fields): Fields {
  const united: Record<string, Fields> = { ...a };
  for (const [key, below] of Object.entries(b)) {
    const there = united[key];
    united[key] = there ? unite(itself(there, below), itself(below, there)) : below;
  }
  return united;
}

function itself(fields: Fields, other: Fields): Fields {
  const isLeaf = !Object.keys(fields).length;
  return isLeaf && isRecord(other) && Object.keys(other).length > 0 ? { '.': {} } : fields;
}
