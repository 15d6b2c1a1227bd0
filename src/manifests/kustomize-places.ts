import { resolve } from 'node:path';
import { isRecord, recordOf } from '../lib/is-record.ts';
import type { KubeObject } from '../objects.ts';
import { groupOf } from '../objects.ts';
import { type FileObject, readObjects } from './file-objects.ts';
import { type Fields, kustomizationOf, records, strings } from './kustomize-inputs.ts';

/** An object of a file that a kustomization reads, and what becomes of it on the way up. */
export interface KustomizePlace {
  readonly from: FileObject;
  /** The strategic merge patches that change it, and stand in files. */
  readonly patches: readonly FileObject[];
  /** The name in the file, then every one that it is given; patches may name any of them. */
  readonly names: readonly string[];
  readonly namespace: unknown;
}

/** Kinds whose names no prefix and no suffix changes. https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/builtins/PrefixTransformer.go */
const keepNames: ReadonlySet<unknown> = new Set(['CustomResourceDefinition', 'APIService', 'Namespace']);

/**
 * @returns what a kustomization makes its objects of, as far as it stands in files of this machine: neither what it
 * generates nor what comes from elsewhere. Of what can't be read there is nothing.
 */
export function readPlaces(folder: string, root: string): Promise<readonly KustomizePlace[]> {
  return readFolder(folder, [], { root, above: new Set() });
}

/** Whether an object that a kustomization gave may be made of what stands there. */
export function mayBe({ from, names, namespace }: KustomizePlace, { apiVersion, kind, metadata }: KubeObject): boolean {
  if (!isOfKind(from, kind, apiVersion) || names.at(-1) !== metadata.name) return false;
  // One that lives outside of namespaces is given none.
  return metadata.namespace === undefined || metadata.namespace === namespace;
}

interface Reading {
  readonly root: string;
  /** The kustomizations on the way down: none of them can be in itself. */
  readonly above: ReadonlySet<string>;
}

/** @param given what a component changes beside its own. */
async function readFolder(
  folder: string,
  given: readonly KustomizePlace[],
  { root, above }: Reading,
): Promise<readonly KustomizePlace[]> {
  const kustomization = above.has(folder) ? undefined : await kustomizationOf(folder);
  const reading = { root, above: new Set([...above, folder]) };
  let places = given;
  for (const fields of kustomization?.documents ?? []) {
    const paths = ['resources', 'bases'].flatMap((field) => strings(fields[field]));
    const own = await Promise.all(paths.map((path) => readResource(resolve(folder, path), reading)));
    places = places.concat(...own);
    for (const path of strings(fields['components'])) places = await readFolder(resolve(folder, path), places, reading);
    const patches = await readPatches(fields, folder, root);
    places = places.map((place) => changed(patched(place, patches), fields));
  }
  return places;
}

async function readResource(path: string, reading: Reading): Promise<readonly KustomizePlace[]> {
  const objects = await readObjects(path, reading.root);
  const files = objects.map((from) => {
    const { name, namespace } = recordOf(from.object['metadata']);
    return { from, patches: [], names: [String(name)], namespace };
  });
  return [...files, ...(await readFolder(path, [], reading))];
}

interface Patch {
  readonly from: FileObject;
  /** undefined: what has the kind and the name of the patch itself. */
  readonly target: Fields | undefined;
}

async function readPatches(fields: Fields, folder: string, root: string): Promise<readonly Patch[]> {
  const named = [
    ...records(fields['patches']),
    // One that stands in the kustomization itself has lines.
    ...strings(fields['patchesStrategicMerge']).flatMap((path) => (path.includes('\n') ? [] : [{ path }])),
  ] as readonly Fields[];
  const read = named.flatMap(({ path, target }) =>
    strings([path]).map(async (each) => {
      const objects = await readObjects(resolve(folder, each), root);
      return objects.map((from) => ({ from, target: isRecord(target) ? target : undefined }));
    }),
  );
  return (await Promise.all(read)).flat();
}

function patched(place: KustomizePlace, patches: readonly Patch[]): KustomizePlace {
  const own = patches.filter((patch) => isMeant(place, patch)).map(({ from }) => from);
  return own.length === 0 ? place : { ...place, patches: [...place.patches, ...own] };
}

/** Of a target by labels nothing is known. https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/ */
function isMeant({ from, names }: KustomizePlace, { from: { object }, target }: Patch): boolean {
  const { name } = recordOf(object['metadata']);
  if (!target)
    return isOfKind(from, object['kind'], String(object['apiVersion'])) && names.some((each) => each === name);
  const { kind, name: pattern, labelSelector, annotationSelector } = target;
  if (labelSelector !== undefined || annotationSelector !== undefined) return false;
  return (
    (kind === undefined || kind === from.object['kind']) &&
    (typeof pattern !== 'string' || names.some((each) => isMatch(each, pattern)))
  );
}

function isMatch(name: string, pattern: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(name);
  } catch {
    return false;
  }
}

function isOfKind({ object }: FileObject, kind: unknown, apiVersion: string): boolean {
  return object['kind'] === kind && groupOf(String(object['apiVersion'])) === groupOf(apiVersion);
}

function changed(place: KustomizePlace, { namePrefix, nameSuffix, namespace }: Fields): KustomizePlace {
  const { kind } = place.from.object;
  const [prefix = '', suffix = ''] = [namePrefix, nameSuffix].map((part) => (typeof part === 'string' ? part : ''));
  const named = keepNames.has(kind)
    ? place
    : { ...place, names: [...place.names, `${prefix}${place.names.at(-1)}${suffix}`] };
  if (typeof namespace !== 'string') return named;
  return kind === 'Namespace' ? { ...named, names: [...named.names, namespace] } : { ...named, namespace };
}
