import type { ObjectId } from '../objects.ts';
import { groupKindOf } from './kinds.ts';

/** An object that is left in the cluster on purpose. */
export interface Kept {
  readonly id: ObjectId;
  readonly because: string;
}

/** What holds data, or other projects' objects: never pruned nor deleted unless it is asked for by name. */
export interface Asked {
  /** Claims and volumes, those that StatefulSets of the project made included. */
  readonly volumes: boolean;
  /** Namespaces that stormctl made or applied. */
  readonly namespaces: boolean;
  /** CustomResourceDefinitions. */
  readonly crds: boolean;
}

export const nothingAsked: Asked = { volumes: false, namespaces: false, crds: false };

const flags: Readonly<Record<string, keyof Asked>> = {
  PersistentVolumeClaim: 'volumes',
  PersistentVolume: 'volumes',
  Namespace: 'namespaces',
  'CustomResourceDefinition.apiextensions.k8s.io': 'crds',
};

const words: Readonly<Record<keyof Asked, string>> = {
  volumes: 'volumes are deleted only with',
  namespaces: 'namespaces are deleted only with',
  crds: 'definitions, and every object of their kinds with them, are deleted only with',
};

/**
 * @param command the one whose flag asks for it: `run` of what left the manifests, `delete` of everything.
 * @returns why an object of this kind is kept; undefined when it may go.
 */
export function reasonToKeep(id: ObjectId, asked: Asked, command: 'run' | 'delete'): string | undefined {
  const flag = flags[groupKindOf(id)];
  return flag === undefined || asked[flag] ? undefined : `${words[flag]} \`stormctl ${command} --${flag}\``;
}

export function isVolume(id: ObjectId): boolean {
  return flags[groupKindOf(id)] === 'volumes';
}

export function isNamespace({ apiVersion, kind }: ObjectId): boolean {
  return apiVersion === 'v1' && kind === 'Namespace';
}
