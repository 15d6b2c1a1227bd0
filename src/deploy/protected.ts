import type { ObjectId } from '../objects.ts';
import { groupKindOf } from './kinds.ts';

/** An object that is left in the cluster on purpose. */
export interface Kept {
  readonly id: ObjectId;
  readonly because: string;
}

/** Kinds that hold data, or other projects' objects: never pruned, and deleted only when asked for by name. */
const reasons: Readonly<Record<string, string>> = {
  PersistentVolumeClaim: 'volumes are deleted only with `delete --volumes`',
  PersistentVolume: 'volumes are deleted only with `delete --volumes`',
  Namespace: 'namespaces are deleted only with `delete --namespaces`',
  'CustomResourceDefinition.apiextensions.k8s.io': 'with it every object of its kind would go, other projects’ too',
};

/** @returns why an object of this kind is kept; undefined when it may go. */
export function reasonToKeep(id: ObjectId): string | undefined {
  return reasons[groupKindOf(id)];
}

export function isVolume({ apiVersion, kind }: ObjectId): boolean {
  return apiVersion === 'v1' && (kind === 'PersistentVolumeClaim' || kind === 'PersistentVolume');
}

export function isNamespace({ apiVersion, kind }: ObjectId): boolean {
  return apiVersion === 'v1' && kind === 'Namespace';
}
