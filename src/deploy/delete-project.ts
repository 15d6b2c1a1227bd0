import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import { ApiError } from '../kube/kube.ts';
import { partOfLabel } from '../manifests/own.ts';
import { Scope } from '../lib/scope.ts';
import { mapLimited } from '../lib/map-limited.ts';
import { wait } from '../lib/wait.ts';
import { formatId, type KubeObject, type ObjectId } from '../objects.ts';
import { applySetId, removeApplySet, setFor, widen, writeApplySet, writeCompletedJobs } from './apply-set.ts';
import type { ApplySet, Member } from './apply-set.ts';
import { askMaybe, clusterFailure } from './ask.ts';
import { adoptClaims, findClaims } from './claims.ts';
import { isNamespaceGone } from './namespace-gone.ts';
import { sort, sortDefinitions, sortNamespaces, type SurveyOptions, surveyProject } from './plan-delete.ts';
import { isNamespace } from './protected.ts';
import type { Kept } from './protected.ts';
import { byRank } from './ranks.ts';
import { canBeUnready } from './readiness.ts';
import { removeMember } from './remove-member.ts';
import { keptUnmarked, warnOfUnmarked } from './unmarked.ts';
import { setOfUnseen, type Unseen, warnOfUnseen } from './unseen.ts';
import { whatHolds } from './what-holds.ts';
import { waitGone } from './wait-gone.ts';
import type { Vanishing } from './wait-gone.ts';

export interface DeleteOptions extends SurveyOptions {
  readonly report: Reporter;
  /** After how long it is told what does not go. Default: 10 s. */
  readonly lastingMs?: number;
  /** How long everything may take to go. Default: as long as it takes. */
  readonly timeoutMs?: number | undefined;
}

const defaultLastingMs = 10_000;

interface Deleting extends DeleteOptions {
  /** By `performance.now()`. */
  readonly until: number;
}

export interface Deleted {
  readonly deleted: readonly ObjectId[];
  /** On purpose. */
  readonly kept: readonly Kept[];
  /** What should have gone and could not. */
  readonly left: readonly Kept[];
  /** Where there may be more, which stays. */
  readonly unseen: readonly Unseen[];
}

/**
 * Deletes what a project applied, by its inventory alone, and resolves when it has gone: users of things before the
 * things. A second call finds nothing to do, or goes on where the first one was cut.
 *
 * @throws Failure `unreachable`, `refused`, or `guard` when the inventory is somebody else's; Failure `notReady` when the time is over,
 * and AbortError, with the inventory as it was.
 */
export async function deleteProject(options: DeleteOptions): Promise<Deleted> {
  try {
    return await deleteAll(options);
  } catch (error) {
    throw clusterFailure(error);
  }
}

async function deleteAll(given: DeleteOptions): Promise<Deleted> {
  const { timeoutMs = Number.POSITIVE_INFINITY } = given;
  const options: Deleting = { ...given, until: performance.now() + timeoutMs };
  const { kube, signal } = options;
  const ref = { name: options.name, namespace: options.namespace };
  const { found, listed, own, unseen } = await surveyProject(options);
  const { claims, unseen: unseenClaims } = await findClaims(kube, ref, listed, signal);
  // Whatever comes next, nothing of it has run.
  if (found?.completedJobs !== undefined) await writeCompletedJobs(kube, ref, undefined, signal);
  const { claims: adopted, unmarked } = await adoptClaims(kube, found ?? setFor(ref, []), claims, signal);
  const { kept, doomed, definitions } = sort(options, [...listed, ...adopted]);
  const removed = await removeByRank(options, doomed);

  const defined = await sortDefinitions(options, definitions, new Set());
  const undefinedNow = await removeByRank(options, defined.ending);
  const left = [...removed.left, ...undefinedNow.left];
  const keptBefore = [...kept, ...defined.spared];
  const around = { going: new Set<string>(), staying: [...keptBefore, ...left], unseen };
  const { spared, ending } = await sortNamespaces(options, own, around);
  const allKept = [...keptBefore, ...spared];
  const staying = [...allKept, ...left];
  const goes = ending.some(({ id }) => id.name === ref.namespace);
  if (found && !goes)
    await writeWhatStays(options, {
      ...widen(
        setFor(
          ref,
          [...staying, ...ending].map(({ id }) => id),
        ),
        setOfUnseen(ref, unseen),
      ),
      kept: allKept.map(({ id }) => id),
      // What can't be seen may run on, and `status` is to say so.
      isDeleted: left.length === 0 && !unseen.some(({ resource }) => canBeUnready({ ...resource, name: '' })),
    });
  const ended = await removeByRank(options, ending);
  if (found && !goes && staying.length + ended.left.length + unseen.length === 0)
    await removeApplySet(kube, ref, signal);
  const allUnseen = [...unseen, ...unseenClaims];
  for (const warning of warnOfUnseen(allUnseen, 'nothing of it is deleted')) options.report(warning);
  for (const warning of warnOfUnmarked(unmarked)) options.report(warning);
  const stray = keptUnmarked(unmarked);
  const keptAll = options.volumes ? allKept : [...allKept, ...stray];
  for (const { id, because } of keptAll) options.report({ type: 'deploy.kept', object: id, because });
  return {
    deleted: [...removed.deleted, ...undefinedNow.deleted, ...ended.deleted],
    kept: keptAll,
    left: [...left, ...ended.left, ...(options.volumes ? stray : [])],
    unseen: allUnseen,
  };
}

/** The inventory tells what is left while anything is. */
async function writeWhatStays({ kube, signal }: DeleteOptions, set: ApplySet) {
  if (set.kinds.size === 0) return;
  try {
    await writeApplySet(kube, set, signal);
  } catch (error) {
    // With the namespace, which somebody else deletes meanwhile, the inventory went too.
    if (!(error instanceof ApiError && isNamespaceGone(error))) throw error;
  }
}

async function removeByRank(options: Deleting, members: readonly Member[]): Promise<Pick<Deleted, 'deleted' | 'left'>> {
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

async function removeRank(options: Deleting, members: readonly Member[]): Promise<Pick<Deleted, 'deleted' | 'left'>> {
  const { kube, signal, report } = options;
  const deleted: ObjectId[] = [];
  const left: Kept[] = [];
  const vanishing = new Map<string, Member>();
  const tell = ({ id }: Member) => {
    deleted.push(id);
    report({ type: 'deploy.deleted', object: id });
  };
  await mapLimited(members, 10, async (member) => {
    // It goes already; a namespace that does is refused another delete.
    if (member.metadata.deletionTimestamp !== undefined) return void vanishing.set(member.metadata.uid ?? '', member);
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
  const staying = () => [...vanishing.values()];
  const told = tellLasting(options, staying, scope.signal);
  const late = wait(Math.max(0, options.until - performance.now()), scope.signal).then(async () => {
    throw await notGone(options, staying());
  });
  // Whichever loses ends with the scope.
  late.catch(() => {});
  // The telling ends by itself only where there is something to tell; what it throws (the cluster is gone) ends the wait.
  await Promise.race([gone, told.then(() => gone), late]);
  return { deleted, left };
}

async function notGone({ kube, timeoutMs = 0, signal }: Deleting, members: readonly Member[]): Promise<Failure> {
  const holding = await mapLimited(members, 10, async ({ id, resource }) => {
    const found = await askMaybe<KubeObject>(kube, { method: 'GET', path: pathOf(resource, id), signal });
    return `${formatId(id)}: ${found ? whatHolds(found) : 'it has just gone'}`;
  });
  const names = members.map(({ id }) => formatId(id)).join(', ');
  return new Failure('notReady', `not gone after ${Math.round(timeoutMs / 1000)} s: ${names}`, {
    detail: holding.join('\n'),
    next: 'mend what holds it and run it again, or give it more time with --timeout',
  });
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
