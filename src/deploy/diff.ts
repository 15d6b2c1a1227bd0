import type { Failure } from '../errors.ts';
import { pathOf } from '../kube/api-path.ts';
import { ApiError, isForbidden, type Kube, type KubeResource } from '../kube/kube.ts';
import { stringifyJson } from '../lib/json.ts';
import { mapLimited } from '../lib/map-limited.ts';
import { partOfLabel } from '../manifests/own.ts';
import { whereRefused } from '../manifests/pinpoint.ts';
import type { RenderedObject } from '../manifests/render-step.ts';
import { type KubeObject, keyOf, type ObjectChange } from '../objects.ts';
import { applyRequest } from './apply-request.ts';
import { type ApplySetRef, applySetId, type Member, readApplySet } from './apply-set.ts';
import { askMaybe, clusterFailure } from './ask.ts';
import { type FoundClaims, findOutgrownClaims, isStatefulSet } from './claims.ts';
import { hasCompleted, readCompletedJobs } from './completed-note.ts';
import { heldBack } from './config-changes.ts';
import { compareObjects, shown } from './compare-objects.ts';
import { type Conflict, conflictFailure, conflictsOf, isTakenOver } from './conflicts.ts';
import { createdForLabel, readNamespace } from './ensure-namespace.ts';
import { findHeldElsewhere, type Holding, judgeHolding } from './held-elsewhere.ts';
import { listMembers } from './list-members.ts';
import { type Located, locate } from './locate.ts';
import { planPrune } from './plan-prune.ts';
import { type Asked, type Kept, nothingAsked } from './protected.ts';
import { fieldsNamed, refusalOf, unknownKind } from './refusal.ts';
import { fieldsOfReplacement } from './replacement-fields.ts';
import { wayToReplace, wayWithClaims } from './replace.ts';
import { exactly } from './set-at-creation.ts';
import { stringDataAsData } from './string-data.ts';
import { writersOf } from './take-over.ts';
import type { Unseen } from './unseen.ts';
import { whatHolds } from './what-holds.ts';

export interface DiffOptions {
  readonly kube: Kube;
  readonly ref: ApplySetRef;
  /** All that the project has: pinned and owned. */
  readonly objects: readonly RenderedObject[];
  /** Told of each object as the cluster has it, before anything of it is told. */
  readonly onLive?: ((object: KubeObject) => void) | undefined;
  /** What of that which left the manifests goes only when it is asked for. Default: nothing. */
  readonly asked?: Asked | undefined;
  /** Whether fields that others hold would be taken from them. Default: that refuses their object. */
  readonly forceConflicts?: boolean | undefined;
  readonly signal: AbortSignal;
}

export interface Diff {
  /** In the order of the objects; those that go come last. */
  readonly changes: readonly ObjectChange[];
  readonly unchanged: number;
  /** No manifest has them any more, and they stay. */
  readonly kept: readonly Kept[];
  /** What an apply would be refused for; of a conflict the change is told, too. */
  readonly refused: readonly Failure[];
  /** Nothing is known of what may have left the manifests there. */
  readonly unseen: readonly Unseen[];
}

/** Enough to keep a local API server busy. */
const asksAtOnce = 16;

/**
 * @returns what an apply of these objects would change, as the server's own dry run of it says. Nothing is written.
 * @throws Failure `guard` when the inventory is somebody else's, `usage` for an object given twice, `unreachable`, `refused`; AbortError.
 */
export async function diffObjects({
  kube,
  ref,
  objects,
  onLive,
  asked = nothingAsked,
  forceConflicts,
  signal,
}: DiffOptions): Promise<Diff> {
  try {
    const definitions = objects.map(({ object }) => object);
    const [located, set, namespace] = await Promise.all([
      locate(kube, objects, { namespace: ref.namespace, definitions, signal }),
      readApplySet(kube, ref, signal),
      readNamespace(kube, ref.namespace, signal),
    ]);
    const { members, unseen } = set ? await listMembers(kube, set, signal) : { members: [], unseen: [] };
    const byKey = new Map(members.map((member) => [keyOf(member.id), member]));
    const strangers = located.filter(({ id }) => !byKey.has(keyOf(id)));
    const held = await findHeldElsewhere(kube, ref, strangers, signal);
    const completed = readCompletedJobs(set?.completedJobs);
    const asking = { kube, ref, onLive, held, completed, forceConflicts, signal };
    const findings = await mapLimited(located, asksAtOnce, (each) => diffOne(each, byKey.get(keyOf(each.id)), asking));
    const leftAsIs = findLeftAsIs(located, findings);
    const wanted = new Set(located.map(({ id }) => keyOf(id)));
    const left = await findLeftClaims(kube, ref, located, findings, byKey, signal);
    const planned = await planPrune({
      kube,
      ref,
      all: located,
      members: [...members, ...left.flatMap(({ claims }) => claims)],
      asked,
      signal,
    });
    const { doomed, kept } = planned;
    const made = namespace === undefined ? newNamespace(ref) : undefined;
    return {
      changes: [
        ...(made && !wanted.has(keyOf(made.id)) ? [made] : []),
        ...findings.flatMap(({ change }, index) => (change && !leftAsIs.has(located[index]) ? [change] : [])),
        ...doomed.map(({ id }) => ({ kind: 'pruned', id }) as const),
      ],
      unchanged: findings.filter(({ change, failure }) => !change && !failure).length,
      kept,
      refused: [...findings.flatMap(({ failure }) => failure ?? []), ...leftAsIs.values()],
      unseen: [...unseen, ...planned.unseen, ...left.flatMap((each) => each.unseen)],
    };
  } catch (error) {
    throw clusterFailure(error);
  }
}

/** Neither: it is as deployed. Both: what it would be if its conflicts were taken. */
interface Finding {
  readonly change?: ObjectChange;
  readonly failure?: Failure;
}

interface Asking extends Pick<DiffOptions, 'kube' | 'ref' | 'onLive' | 'forceConflicts' | 'signal'> {
  /** By key, what other sets hold. */
  readonly held: ReadonlyMap<string, Holding>;
  readonly completed: ReadonlyMap<string, string>;
}

async function diffOne(located: Located, member: Member | undefined, asking: Asking): Promise<Finding> {
  const { id, resource } = located;
  const { kube, ref, onLive, completed, forceConflicts, signal } = asking;
  if (!resource) return { failure: await unknownKind(kube, id, await whereRefused(located, []), signal) };
  const holding = asking.held.get(keyOf(id));
  if (holding) {
    const judged = await judgeHolding(kube, ref, located, holding, signal);
    return typeof judged === 'string' ? {} : { failure: judged };
  }
  const object = stringDataAsData(located.object);
  const live = await askLive(kube, pathOf(resource, id), signal);
  if (live instanceof ApiError) return { failure: refusalOf(id, await whereRefused(located, []), live) };
  if (live) onLive?.(live);
  else if (hasCompleted({ id, object, body: stringifyJson(object) }, completed)) return {};
  try {
    const { after, held } = await dryRun(located, resource, object, asking);
    if (!live) return { change: { kind: 'new', id, object: shown(object) } };
    const fields = compareObjects(live, after);
    if (live.metadata.deletionTimestamp !== undefined)
      return { change: { kind: 'replaced', id, because: whatHolds(live), words: 'it is waited for', fields } };
    const conflicts = held.filter((each) => !isTakenOver(each));
    const adopted = !member && live.metadata.labels?.[partOfLabel] !== applySetId(ref);
    const taken = held.filter(isTakenOver).map(({ manager }) => manager);
    const heldBy = adopted ? writersOf(live.metadata) : [...new Set(taken)];
    if (fields.length + held.length === 0 && !adopted) return {};
    const change = { kind: 'changed', id, fields, conflicts: conflicts.map(plain), adopted, heldBy } as const;
    if (conflicts.length === 0 || forceConflicts) return { change };
    const fieldsHeld = conflicts.map(({ field }) => field);
    return { change, failure: conflictFailure(id, await whereRefused(located, fieldsHeld), conflicts, undefined) };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 401) throw error;
    // Its namespace or its kind is made by the same apply.
    if (!live && error.status === 404) return { change: { kind: 'new', id, object: shown(object) } };
    const way = live && member && wayToReplace(member, error);
    if (!way) return { failure: refusalOf(id, await whereRefused(located, fieldsNamed(error)), error) };
    const fields = await fieldsOfReplacement(live, resource, object, kube, signal);
    const { because, words } = isStatefulSet(id) ? wayWithClaims(way, live, object) : way;
    return { change: { kind: 'replaced', id, because: exactly(because, error, fields), words, fields } };
  }
}

/** @returns what StatefulSets that would be made again leave behind. */
async function findLeftClaims(
  kube: Kube,
  ref: ApplySetRef,
  located: readonly Located[],
  findings: readonly Finding[],
  byKey: ReadonlyMap<string, Member>,
  signal: AbortSignal,
): Promise<readonly FoundClaims[]> {
  const replaced = located.flatMap(({ id, object }, index) => {
    const member = byKey.get(keyOf(id));
    return member && isStatefulSet(id) && findings[index]?.change?.kind === 'replaced' ? [{ member, object }] : [];
  });
  return mapLimited(replaced, asksAtOnce, ({ member, object }) =>
    findOutgrownClaims(kube, ref, member, object, signal),
  );
}

/** @returns the workloads that an apply would not write, since what they use is refused. */
function findLeftAsIs(
  located: readonly Located[],
  findings: readonly Finding[],
): ReadonlyMap<Located | undefined, Failure> {
  const refused = new Map(
    located.flatMap(({ id }, index) => {
      const failure = findings[index]?.failure;
      return failure ? [[keyOf(id), { failure }] as const] : [];
    }),
  );
  const changing = located.filter((_, index) => findings[index]?.change && !findings[index].failure);
  return new Map(
    changing.flatMap((each) => {
      const failure = heldBack(each, refused);
      return failure ? [[each, failure] as const] : [];
    }),
  );
}

/** @returns the refusal, where the account may not read it. */
async function askLive(kube: Kube, path: string, signal: AbortSignal): Promise<KubeObject | ApiError | undefined> {
  try {
    return await askMaybe<KubeObject>(kube, { method: 'GET', path, signal });
  } catch (error) {
    if (isForbidden(error)) return error;
    throw error;
  }
}

/** As the apply is sent, and once more with force where others hold fields: what these would be is to be seen, too. */
async function dryRun({ id }: Located, resource: KubeResource, object: KubeObject, { kube, signal }: Asking) {
  const body = stringifyJson(object);
  const send = (force: boolean) =>
    kube.request<KubeObject>({ ...applyRequest({ id, resource, body }, { force, dryRun: 'All' }), signal });
  try {
    return { after: await send(false), held: [] };
  } catch (error) {
    const held = conflictsOf(error);
    if (held.length === 0) throw error;
    return { after: await send(true), held };
  }
}

function plain({ field, manager, subresource }: Conflict): Conflict {
  return { field, manager, ...(subresource === undefined ? {} : { subresource }) };
}

function newNamespace({ name, namespace }: ApplySetRef): Extract<ObjectChange, { kind: 'new' }> {
  const object = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { [createdForLabel]: name } },
  };
  return { kind: 'new', id: { apiVersion: 'v1', kind: 'Namespace', name: namespace }, object };
}
