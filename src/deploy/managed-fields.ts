import type { ObjectMeta } from '../objects.ts';
import { fieldManager } from '../objects.ts';

/** Which fields one manager wrote. https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly apiVersion?: string;
  /** RFC 3339, whole seconds: of the last write that changed something. */
  readonly time?: string;
  readonly fieldsV1?: Fields;
  readonly [field: string]: unknown;
}

export type Fields = { readonly [path: string]: Fields };

/** @returns who wrote what of an object; none where the server says nothing of fields. */
export function managedFieldsOf({ managedFields }: ObjectMeta): readonly ManagedFields[] {
  return Array.isArray(managedFields) ? (managedFields as readonly ManagedFields[]) : [];
}

/** @returns whether it is what stormctl applied. */
export function isOwn({ manager, operation }: ManagedFields): boolean {
  return manager === fieldManager && operation === 'Apply';
}

/** Whether an apply of stormctl made the object, and changed nothing of it since. */
export function isMadeByOwn(metadata: ObjectMeta): boolean {
  const own = managedFieldsOf(metadata).find((each) => isOwn(each) && each.subresource === undefined);
  // The fields are noted a moment before the object has its time; what is applied later has a later one.
  return Date.parse(own?.time ?? '') <= Date.parse(metadata.creationTimestamp ?? '');
}
