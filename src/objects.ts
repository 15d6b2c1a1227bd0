/** A Kubernetes object as it stands in a manifest or comes from the API server: raw, with every field it had. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly [field: string]: unknown;
}

interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** What names one object in a cluster. `namespace` is undefined for cluster-scoped kinds. */
export interface ObjectId {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

export function idOf(object: KubeObject): ObjectId {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name };
}

/** @returns `deployment/web`, as kubectl prints it. */
export function formatId(id: { readonly kind: string; readonly name: string }): string {
  return `${id.kind.toLowerCase()}/${id.name}`;
}

/** @returns the API group: `apps` of `apps/v1`, the empty string of `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** A key that is equal for the same object whatever version of its API names it. */
export function keyOf(id: ObjectId): string {
  return [groupOf(id.apiVersion), id.kind, id.namespace ?? '', id.name].join('/');
}

/** On every object and pod template that stormctl applies: the project's name. Pods are found by it. */
export const projectLabel = 'stormctl.dev/project';

/** The field manager of everything that stormctl applies. */
export const fieldManager = 'stormctl';
