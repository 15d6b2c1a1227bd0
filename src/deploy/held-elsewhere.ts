import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../errors.ts';
import { pathOf } from '../kube/api-path.ts';
import { ApiError, isForbidden, type Kube, type KubeResource, metadataOfOne } from '../kube/kube.ts';
import { stringifyJson } from '../lib/json.ts';
import { mapLimited } from '../lib/map-limited.ts';
import { partOfLabel } from '../manifests/own.ts';
import type { KubeObject, ObjectId, ObjectMeta } from '../objects.ts';
import { fieldManager, formatPlaced, keyOf, projectLabel } from '../objects.ts';
import { applyRequest } from './apply-request.ts';
import type { ApplySetRef } from './apply-set.ts';
import { applySetId, idLabel } from './apply-set.ts';
import { askMaybe } from './ask.ts';
import { listMetadata } from './list-metadata.ts';
import type { Located } from './locate.ts';
import { withoutNoise } from './noise.ts';
import { isNamespace } from './protected.ts';
import { stringDataAsData } from './string-data.ts';

/** Whose an object is that is a member of another set than ours. */
export interface Holding {
  readonly partOf: string;
  /** undefined: no project of stormctl. */
  readonly project: string | undefined;
  /** Of its inventory; undefined: it can't be told. */
  readonly namespace: string | undefined;
}

/**
 * The API server sees no conflict between two projects, for both write as the same manager: whose an object is has to be
 * known before it is written. KEP-3659: a tool must not take an object that bears the id of another set.
 *
 * @param objects to be written, that are no members of ours: one list of each of their kinds, in each of their namespaces.
 * @returns by key those of them that another set holds. @throws Failure `unreachable`, ApiError; AbortError.
 */
export async function findHeldElsewhere(
  kube: Kube,
  ref: ApplySetRef,
  objects: readonly Located[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Holding>> {
  const collections = new Map<string, Served[]>();
  for (const each of objects.filter(isServed)) {
    const path = pathOf(each.resource, { namespace: each.id.namespace });
    collections.set(path, [...(collections.get(path) ?? []), each]);
  }
  const lists = await mapLimited([...collections], 10, async ([path, wanted]) => {
    const keys = new Map(wanted.map(({ id }) => [nameIn(id), keyOf(id)]));
    const found = await listOthers(kube, ref, path, wanted, signal);
    return found.flatMap((metadata) => {
      const key = keys.get(nameIn(metadata));
      const { [partOfLabel]: partOf, [projectLabel]: project } = metadata.labels ?? {};
      if (key === undefined || partOf === undefined || partOf === applySetId(ref)) return [];
      return [{ key, partOf, project, near: metadata.namespace }];
    });
  });
  const found = lists.flat();
  const near = [ref.namespace, ...found.flatMap((each) => each.near ?? [])];
  const namespaces = new Map<string, string | undefined>();
  for (const { partOf, project } of found)
    if (!namespaces.has(partOf)) namespaces.set(partOf, await namespaceOf(kube, { partOf, project }, near, signal));
  return new Map(
    found.map(({ key, partOf, project }) => [key, { partOf, project, namespace: namespaces.get(partOf) }]),
  );
}

/**
 * What is to be done with an object that another set holds: what another environment of the project has just so, and a
 * namespace that another project has just so, is shared and left to its holder; anything else is not ours to write.
 *
 * @returns a Failure `guard`, or what a user is told of an object that is left as it is. @throws Failure `unreachable`; ApiError 401.
 */
export async function judgeHolding(
  kube: Kube,
  ref: ApplySetRef,
  located: Located,
  holding: Holding,
  signal: AbortSignal,
): Promise<Failure | string> {
  const { id, where } = located;
  const mayShare = holding.project === ref.name || isNamespace(id);
  const name = nameOf(ref, holding);
  if (mayShare && (await isAsWanted(kube, located, signal)))
    return `${formatPlaced(id)} is left to ${name}, where it is the same`;
  const differs = mayShare ? ', and differs there' : '';
  return new Failure('guard', `${formatPlaced(id)} belongs to ${name}${differs}`, {
    where,
    detail: `its label ${partOfLabel} is ${holding.partOf}`,
    next: `give it another name, or leave it out here; or hand it over: delete it there, or ${releaseCommand(id)}`,
  });
}

type Served = Located & { readonly resource: KubeResource };

function isServed(located: Located): located is Served {
  return located.resource !== undefined;
}

function nameIn({ name, namespace }: { readonly name: string; readonly namespace?: string | undefined }): string {
  return `${namespace ?? ''}/${name}`;
}

async function listOthers(
  kube: Kube,
  ref: ApplySetRef,
  path: string,
  wanted: readonly Served[],
  signal: AbortSignal,
): Promise<readonly ObjectMeta[]> {
  try {
    return await listMetadata(kube, path, `${partOfLabel},${partOfLabel}!=${applySetId(ref)}`, signal);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    const found = await mapLimited(wanted, 10, ({ id, resource }) => askByWriting(kube, id, resource, signal));
    return found.flatMap((metadata) => metadata ?? []);
  }
}

/** Who may write and not read is told by a write of nothing. Who may not write is told so by the apply itself. */
async function askByWriting(
  kube: Kube,
  id: ObjectId,
  resource: KubeResource,
  signal: AbortSignal,
): Promise<ObjectMeta | undefined> {
  try {
    const answer = await askMaybe<KubeObject>(kube, {
      method: 'PATCH',
      path: pathOf(resource, id),
      query: { fieldManager, dryRun: 'All' },
      contentType: 'application/merge-patch+json',
      accept: metadataOfOne,
      body: {},
      signal,
    });
    return answer?.metadata;
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401 && error.status < 500) return undefined;
    throw error;
  }
}

/** @param near namespaces that it may be; the id is a hash of project and namespace. */
async function namespaceOf(
  kube: Kube,
  { partOf, project }: Pick<Holding, 'partOf' | 'project'>,
  near: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (project === undefined) return undefined;
  const guessed = near.find((namespace) => applySetId({ name: project, namespace }) === partOf);
  if (guessed !== undefined) return guessed;
  try {
    const [inventory] = await listMetadata(kube, '/api/v1/configmaps', `${idLabel}=${partOf}`, signal);
    return inventory?.namespace;
  } catch (error) {
    // Who sees only some namespaces is told no more than the project.
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** @returns whether an apply would change nothing but whose it is. */
async function isAsWanted(kube: Kube, { id, object, resource }: Located, signal: AbortSignal): Promise<boolean> {
  if (!resource) return false;
  const path = pathOf(resource, id);
  const body = stringifyJson(stringDataAsData(object));
  try {
    const [live, after] = await Promise.all([
      kube.request<KubeObject>({ method: 'GET', path, signal }),
      kube.request<KubeObject>({ ...applyRequest({ id, resource, body }, { force: false, dryRun: 'All' }), signal }),
    ]);
    return isDeepStrictEqual(withoutNoise(live), withoutNoise(after));
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) return false;
    throw error;
  }
}

function nameOf(ref: ApplySetRef, { project, namespace, partOf }: Holding): string {
  if (project === undefined) return `another set of objects (${partOf})`;
  const place = namespace === undefined ? 'another namespace' : `the namespace ${namespace}`;
  if (project === ref.name) return `the same project in ${place}`;
  return namespace === undefined ? `the project ${project}` : `the project ${project} in ${place}`;
}

function releaseCommand({ kind, name, namespace }: ObjectId): string {
  const place = namespace === undefined ? '' : ` -n ${namespace}`;
  return `kubectl label ${kind.toLowerCase()} ${name}${place} ${partOfLabel}- ${projectLabel}-`;
}
