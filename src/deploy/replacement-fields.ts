import { pathOf } from '../kube/api-path.ts';
import { ApiError, type Kube, type KubeResource } from '../kube/kube.ts';
import type { FieldChange } from '../lib/field-changes.ts';
import { stringifyJson } from '../lib/json.ts';
import { fieldManager, type KubeObject } from '../objects.ts';
import { compareObjects } from './compare-objects.ts';
import { groupKindOf } from './kinds.ts';
import { withoutGiven } from './noise.ts';

/**
 * @returns what the object would have otherwise if it was made anew, as the server tells it of one with a name that nobody
 * has; nothing where it can't. @throws Failure `unreachable`; ApiError 401; AbortError.
 */
export async function fieldsOfReplacement(
  live: KubeObject,
  resource: KubeResource,
  object: KubeObject,
  kube: Kube,
  signal: AbortSignal,
): Promise<readonly FieldChange[]> {
  const { name, ...metadata } = object.metadata;
  const body = { ...object, metadata: { ...metadata, generateName: `${name}-` } };
  const path = pathOf(resource, { namespace: metadata.namespace });
  try {
    const request = {
      method: 'POST',
      path,
      query: { dryRun: 'All', fieldManager },
      body: stringifyJson(body),
    } as const;
    const made = await kube.request<KubeObject>({ ...request, signal });
    const after = { ...made, metadata: { ...made.metadata, name } };
    if (groupKindOf(live) !== 'Pod') return compareObjects(live, after);
    return compareObjects(withoutGiven(live, object), withoutGiven(after, object));
  } catch (error) {
    // A node port, say, that the object itself still has.
    if (error instanceof ApiError && error.status !== 401) return [];
    throw error;
  }
}
