import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube } from '../kube/kube.ts';
import { partOfLabel } from '../manifests/own.ts';
import { Scope } from '../lib/scope.ts';
import { wait } from '../lib/wait.ts';
import type { KubeObject, ObjectId } from '../objects.ts';
import { applySetId, listMembers, readApplySet, removeApplySet, setFor, writeApplySet } from './apply-set.ts';
import type { ApplySetRef, Member } from './apply-set.ts';
import { askMaybe, clusterFailure } from './ask.ts';
import { adoptClaims } from './claims.ts';
import { mapLimited } from './map-limited.ts';
import { ownNamespaces, reasonAgainstNamespace } from './own-namespaces.ts';
import { isNamespace, isVolume, reasonToKeep } from './protected.ts';
import type { Kept } from './protected.ts';
import { byRank } from './ranks.ts';
import { removeMember } from './remove-member.ts';
import { waitGone } from './wait-gone.ts';
import type { Vanishing } from './wait-gone.ts';

export interface DeleteOptions extends ApplySetRef {
  readonly kube: Kube;
  /** Claims and volumes too, those that StatefulSets of the project made included. */
  readonly volumes: boolean;
  /** Namespaces too, those that stormctl made or applied. */
  readonly namespaces: boolean;
  readonly signal: AbortSignal;
  readonly report: Reporter;
  /** After how long it is told what does not go. Default: 10 s. */
  readonly lastingMs?: number;
}

const defaultLastingMs = 10_000;

export interface Deleted {
  readonly deleted: readonly ObjectId[];
  /** On purpose. */
  readonly kept: readonly Kept[];
  /** What should have gone and could not. */
  readonly left: readonly Kept[];
}

/**
 * Deletes what a project applied, by its inventory alone, and resolves when it has gone: users of things before the
 * things. A second call finds nothing to do, or goes on where the first one was cut.
 *
 * @throws Failure `unreachable`, or `guard` when the inventory is somebody else's; AbortError, with the inventory as it was.
 */
export async function deleteProject(options: DeleteOptions): Promise<Deleted> {
  try {
    return await deleteAll(options);
  } catch (error) {
    throw clusterFailure(error);
  }
}

async function deleteAll(options: DeleteOptions): Promise<Deleted> {
  const { kube, signal, volumes, namespaces } = options;
  const ref = { name: options.name, namespace: options.namespace };
  const found = await readApplySet(kube, ref, signal);
  const listed = found ? await listMembers(kube, found, signal) : [];
  const adopted = found ? await adoptClaims(kube, found, listed, signal) : { set: undefined, claims: [] };
  const members = [...listed, ...adopted.claims];
  const kept = members.flatMap(({ id }) => {
    const because = isNamespace(id) || (volumes && isVolume(id)) ? undefined : reasonToKeep(id);
    return because === undefined ? [] : [{ id, because }];
  });
  const doomed = members.filter(({ id }) => !isNamespace(id) && !kept.some((each) => each.id === id));
  const removed = await removeByRank(options, doomed);

  const own = await ownNamespaces(kube, ref, found, listed, signal);
  const spared: Kept[] = [];
  for (const { id, metadata } of own) {
    const because = namespaces ? await reasonAgainstNamespace(kube, ref, metadata.name, signal) : reasonToKeep(id);
    if (because !== undefined) spared.push({ id, because });
  }
  const ending = own.filter(({ id }) => !spared.some((each) => each.id === id));
  const staying = [...kept, ...spared, ...removed.left];
  const goes = ending.some(({ id }) => id.name === ref.namespace);
  if (adopted.set && !goes)
    await settleInventory(
      options,
      ref,
      [...staying, ...ending].map(({ id }) => id),
    );
  const ended = await removeByRank(options, ending);
  if (adopted.set && !goes && staying.length + ended.left.length === 0) await removeApplySet(kube, ref, signal);
  const allKept = [...kept, ...spared];
  for (const { id, because } of allKept) options.report({ type: 'deploy.kept', object: id, because });
  return {
    deleted: [...removed.deleted, ...ended.deleted],
    kept: allKept,
    left: [...removed.left, ...ended.left],
  };
}

/** The inventory tells what is left while anything is. */
async function settleInventory({ kube, signal }: DeleteOptions, ref: ApplySetRef, left: readonly ObjectId[]) {
  if (left.length > 0) await writeApplySet(kube, setFor(ref, left), signal);
}

async function removeByRank(
  options: DeleteOptions,
  members: readonly Member[],
): Promise<Pick<Deleted, 'deleted' | 'left'>> {
  const deleted: ObjectId[] = [];
  const left: Kept[] = [];
  for (const rank of [...byRank(members, ({ id }) => id)].reverse()) {
    const result = await removeRank(options, rank);
    deleted.push(...result.deleted);
    left.push(...result.left);
  }
  return { deleted, left };
}

/** Says after a while what does not go, and what holds it: a delete must not look as if it hung. */
async function tellLasting(
  { kube, report, lastingMs = defaultLastingMs }: DeleteOptions,
  left: () => readonly Member[],
  signal: AbortSignal,
): Promise<void> {
  await wait(lastingMs, signal);
  await mapLimited(left(), 10, async ({ id, resource }) => {
    const found = await askMaybe<KubeObject>(kube, { method: 'GET', path: pathOf(resource, id), signal });
    if (found) report({ type: 'deploy.waiting', object: id, because: whatHolds(found), usual: false });
  });
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/ */
function whatHolds({ metadata }: KubeObject): string {
  const finalizers = Array.isArray(metadata['finalizers']) ? metadata['finalizers'].map(String) : [];
  const foreign = finalizers.filter((name) => name !== 'foregroundDeletion');
  if (foreign.length > 0) return `it is being deleted, and its finalizers have not run: ${foreign.join(', ')}`;
  return finalizers.length > 0 ? 'it is being deleted, and what it owns is still there' : 'it is being deleted';
}

async function removeRank(
  options: DeleteOptions,
  members: readonly Member[],
): Promise<Pick<Deleted, 'deleted' | 'left'>> {
  const { kube, signal, report } = options;
  const deleted: ObjectId[] = [];
  const left: Kept[] = [];
  const vanishing = new Map<string, Member>();
  const tell = ({ id }: Member) => {
    deleted.push(id);
    report({ type: 'deploy.deleted', object: id });
  };
  await mapLimited(members, 10, async (member) => {
    const removal = await removeMember(kube, member, 'Foreground', signal);
    if (removal.kind === 'refused') left.push({ id: member.id, because: removal.because });
    else if (removal.kind === 'going') vanishing.set(member.metadata.uid ?? '', member);
    else tell(member);
  });
  await using scope = new Scope(signal);
  const gone = waitGone(kube, collectionsOf(options, [...vanishing.values()]), scope.signal, (uid) => {
    const member = vanishing.get(uid);
    vanishing.delete(uid);
    if (member) tell(member);
  });
  const told = tellLasting(options, () => [...vanishing.values()], scope.signal);
  // The telling ends by itself only where there is something to tell; what it throws (the cluster is gone) ends the wait.
  await Promise.race([gone, told.then(() => gone)]);
  return { deleted, left };
}

/** One watch a collection. Namespaces that were made and not applied carry no part-of label, so theirs takes all. */
function collectionsOf({ name, namespace }: DeleteOptions, members: readonly Member[]): readonly Vanishing[] {
  const labelSelector = `${partOfLabel}=${applySetId({ name, namespace })}`;
  const uids = new Map<string, { readonly isLabelled: boolean; readonly uids: Set<string> }>();
  for (const { id, resource, metadata } of members) {
    const path = pathOf(resource, { namespace: id.namespace });
    const collection = uids.get(path) ?? { isLabelled: !isNamespace(id), uids: new Set() };
    collection.uids.add(metadata.uid ?? '');
    uids.set(path, collection);
  }
  return [...uids].map(([path, collection]) => ({
    request: collection.isLabelled ? { path, labelSelector } : { path },
    uids: collection.uids,
  }));
}
