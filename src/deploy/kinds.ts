import { Failure } from '../errors.ts';
import { ApiError, isNotFound, type Kube, type KubeResource } from '../kube/kube.ts';
import type { KubeObject } from '../objects.ts';
import { groupOf } from '../objects.ts';

/** `Deployment.apps`, `ConfigMap`: how an ApplySet names a kind, whatever version of it. */
export type GroupKind = string;

export function groupKindOf({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): GroupKind {
  const group = groupOf(apiVersion);
  return group === '' ? kind : `${kind}.${group}`;
}

/** @returns the resources that the CustomResourceDefinitions among the objects will define, before they do. */
export function definedBy(objects: readonly KubeObject[]): readonly KubeResource[] {
  return objects.flatMap((object) => {
    if (!isCrd(object)) return [];
    const { group, names, scope, versions } = (object['spec'] ?? {}) as {
      group?: string;
      scope?: string;
      names?: { kind?: string; plural?: string };
      versions?: readonly { name: string }[];
    };
    const { kind, plural } = names ?? {};
    if (group === undefined || kind === undefined || plural === undefined) return [];
    const namespaced = scope === 'Namespaced';
    return (versions ?? []).map(({ name }) => ({ apiVersion: `${group}/${name}`, kind, plural, namespaced }));
  });
}

export function isCrd({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): boolean {
  return groupKindOf({ apiVersion, kind }) === 'CustomResourceDefinition.apiextensions.k8s.io';
}

/**
 * @returns where objects of a recorded kind live now; undefined when the cluster has no such kind any more, and so no
 * objects of it. An ApplySet records no versions, so the group says which ones it serves, the preferred one first.
 */
export async function resourceOf(kube: Kube, kind: GroupKind, signal: AbortSignal): Promise<KubeResource | undefined> {
  const dot = kind.indexOf('.');
  if (dot < 0) return findResource(kube, 'v1', kind, signal);
  const [name, group] = [kind.slice(0, dot), kind.slice(dot + 1)];
  const served = await kube
    .request<ApiGroup>({ method: 'GET', path: `/apis/${group}`, signal })
    .catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  if (!served) return undefined;
  const versions = [served.preferredVersion, ...served.versions].map(({ groupVersion }) => groupVersion);
  for (const version of new Set(versions)) {
    const resource = await findResource(kube, version, name, signal);
    if (resource) return resource;
  }
  return undefined;
}

/** @returns undefined when the server knows no such kind. @throws what else keeps discovery from answering. */
export async function findResource(
  kube: Kube,
  apiVersion: string,
  kind: string,
  signal: AbortSignal,
): Promise<KubeResource | undefined> {
  try {
    return await kube.resource(apiVersion, kind, signal);
  } catch (error) {
    const unknown =
      error instanceof ApiError ? error.status === 404 : error instanceof Failure && error.kind === 'usage';
    if (unknown) return undefined;
    throw error;
  }
}

interface ApiGroup {
  readonly versions: readonly { readonly groupVersion: string }[];
  readonly preferredVersion: { readonly groupVersion: string };
}
