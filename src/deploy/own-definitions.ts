import { pathOf } from '../kube/api-path.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import { formatPlaced, projectLabel } from '../objects.ts';
import type { KubeObject, ObjectMeta } from '../objects.ts';
import type { Member } from './apply-set.ts';
import { askMaybe } from './ask.ts';
import { listMetadata } from './list-metadata.ts';
import { nameSome } from './name-some.ts';

/**
 * With a CustomResourceDefinition goes every object of its kind, in all namespaces.
 *
 * @param going uids of what is deleted anyway.
 * @returns which of them are not ours to take; undefined when there are none.
 */
export async function reasonAgainstDefinition(
  kube: Kube,
  { id, resource }: Member,
  going: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const definition = await askMaybe<KubeObject>(kube, { method: 'GET', path: pathOf(resource, id), signal });
  if (!definition) return undefined;
  const { group, names, versions = [] } = (definition['spec'] ?? {}) as DefinitionSpec;
  const served = versions.find((version) => version.served ?? true);
  // None is served: what there may be of it nobody can see.
  if (!served) return 'no version of its kind is served, so whether objects of it are there can’t be seen';
  const path = `/apis/${group}/${served.name}/${names?.plural}`;
  const objects = await listAll(kube, path, signal);
  if (typeof objects === 'string') return `whether others have objects of its kind can’t be seen: ${objects}`;
  const staying = objects.filter((object) => !goes(object, going));
  if (staying.length === 0) return undefined;
  const [count, verb] = staying.length === 1 ? ['one object', 'stands'] : [`${staying.length} objects`, 'stand'];
  return `${count} of its kind would go with it that ${verb} elsewhere: ${nameSome(staying, (object) => describeOne(names?.kind ?? '', object))}`;
}

interface DefinitionSpec {
  readonly group?: string;
  readonly names?: { readonly kind?: string; readonly plural?: string };
  readonly versions?: readonly { readonly name: string; readonly served?: boolean }[];
}

/** @returns the server's words when it does not show them. */
async function listAll(kube: Kube, path: string, signal: AbortSignal): Promise<readonly ObjectMeta[] | string> {
  try {
    // One that is not served has no objects.
    return await listMetadata(kube, path, undefined, signal);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 401) throw error;
    return error.message;
  }
}

/** What a controller made from an object that goes is taken away with it, unless another owner of it stays. */
function goes({ uid = '', ownerReferences = [] }: ObjectMeta, going: ReadonlySet<string>): boolean {
  if (going.has(uid)) return true;
  return ownerReferences.length > 0 && ownerReferences.every((owner) => going.has(owner.uid));
}

function describeOne(kind: string, { name, namespace, labels }: ObjectMeta): string {
  const project = labels?.[projectLabel];
  return `${formatPlaced({ kind, name, namespace })}${project === undefined ? '' : ` (project ${project})`}`;
}
