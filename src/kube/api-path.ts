import { groupOf } from '../objects.ts';
import type { KubeResource, PodRef } from './kube.ts';

/**
 * The path of an object, or of its collection where `id` has no name; without a namespace that of all namespaces.
 * Names are percent-encoded and keep their case: `system:node` is not `system:Node`.
 */
export function pathOf(
  resource: KubeResource,
  id: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): string {
  const namespace = resource.namespaced && id.namespace ? ['namespaces', encodeURIComponent(id.namespace)] : [];
  const name = id.name === undefined ? [] : [encodeURIComponent(id.name)];
  return [groupPath(resource.apiVersion), ...namespace, resource.plural, ...name].join('/');
}

/** `/api/v1`, or `/apis/apps/v1`: also where discovery answers. */
export function groupPath(apiVersion: string): string {
  return groupOf(apiVersion) === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
}

export function podPath({ namespace, pod }: PodRef, subresource: 'log' | 'exec' | 'portforward'): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/${subresource}`;
}

/** @returns the path with the values that are given as its query; a list repeats its key, as exec's `command` does. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>,
): string {
  const pairs = Object.entries(query).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const values = typeof value === 'object' ? value : [String(value)];
    return values.map((each) => `${encodeURIComponent(key)}=${encodeURIComponent(each)}`);
  });
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}
