import type { FieldChange } from './lib/field-changes.ts';

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

/** What the cluster says of an object. https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
export interface RawEvent {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly lastObservedTime?: string } | null;
  readonly involvedObject?: {
    readonly uid?: string;
    readonly kind?: string;
    readonly namespace?: string;
    readonly name?: string;
    /** `spec.containers{web}`. */
    readonly fieldPath?: string;
  };
  readonly metadata: { readonly creationTimestamp?: string };
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

/** @returns `deployment/web in storm`. */
export function formatPlaced(id: Parameters<typeof formatId>[0] & { readonly namespace?: string | undefined }): string {
  return id.namespace === undefined ? formatId(id) : `${formatId(id)} in ${id.namespace}`;
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

/** What an apply would do to one object. Of Secrets it holds no values. */
export type ObjectChange =
  | { readonly kind: 'new'; readonly id: ObjectId; readonly object: KubeObject }
  | {
      readonly kind: 'changed';
      readonly id: ObjectId;
      readonly fields: readonly FieldChange[];
      /** Fields that somebody else holds: the apply is refused for them, unless they are taken over. */
      readonly conflicts: readonly {
        readonly field: string;
        readonly manager: string;
        /** Through which it was written: `scale`. */
        readonly subresource?: string | undefined;
      }[];
      /** It is there, and not the project's yet: it becomes one of its objects, and is deleted with them. */
      readonly adopted: boolean;
      /** Who wrote what becomes stormctl's: of an object that is adopted, or of single fields. */
      readonly heldBy: readonly string[];
    }
  /**
   * Deleted and made again, `because` it can't be changed in place, or is on its way out; `words`: what becomes of what it
   * stands for.
   */
  | {
      readonly kind: 'replaced';
      readonly id: ObjectId;
      readonly because: string;
      readonly words: string;
      /** Empty where the cluster can't tell. */
      readonly fields: readonly FieldChange[];
    }
  | { readonly kind: 'pruned'; readonly id: ObjectId };

/** How one object that can be unready is, and what is in front of and behind it. */
export interface ObjectStatus {
  readonly id: ObjectId;
  /** The service of the config whose image it runs. */
  readonly service: string | undefined;
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly because: string | undefined;
  /** No manifest has it any more, and it stays until it is asked for: it counts as ready. */
  readonly kept?: true | undefined;
  /** Of each container what was deployed, and the `others` that pods still run. */
  readonly images: readonly {
    readonly container: string;
    readonly image: string;
    readonly others: readonly string[];
  }[];
  /** undefined: it has none of its own. */
  readonly pods: { readonly ready: number; readonly wanted: number } | undefined;
  readonly restarts: number;
  /** `8080→80`: a forward of the config; `node 30080→80`. */
  readonly ports: readonly string[];
  /** RFC 3339. */
  readonly createdAt: string | undefined;
}
