import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import { mapLimited } from '../lib/map-limited.ts';
import type { ObjectId } from '../objects.ts';
import { keyOf } from '../objects.ts';
import type { ApplySet, Member } from './apply-set.ts';
import { isSameSet, setFor, widen, writeApplySet } from './apply-set.ts';
import { adoptClaims } from './claims.ts';
import type { Located } from './locate.ts';
import { reasonOfRefused } from './own-namespaces.ts';
import { type Judging, planPrune, reasonAgainst } from './plan-prune.ts';
import { type Asked, isNamespace, type Kept } from './protected.ts';
import { byRank } from './ranks.ts';
import type { Removal } from './remove-member.ts';
import { removeMember } from './remove-member.ts';
import { warnOfUnmarked } from './unmarked.ts';
import { setOfUnseen, tellUnseen, type Unseen } from './unseen.ts';
import { whatHolds } from './what-holds.ts';

/** By the clocks of the cluster and of this machine: pods have ended by then. */
const lastingMs = 60_000;

export interface PruneRequest {
  readonly kube: Kube;
  /** As it is recorded now. */
  readonly set: ApplySet;
  readonly all: readonly Located[];
  /** Those that may go. */
  readonly members: readonly Member[];
  /** The others: they stay in the inventory. */
  readonly spared: readonly Member[];
  /** Where there may be more of them: that stays in it, too. */
  readonly unseen: readonly Unseen[];
  readonly asked: Asked;
  readonly report: Reporter;
  /** What was reported before, each once: keys of what is kept, and warnings. */
  readonly told: Set<string>;
  /** Told of each object whose deletion the cluster took. */
  readonly onPruned: (id: ObjectId) => void;
}

export interface Pruned {
  readonly pruned: readonly ObjectId[];
  readonly kept: readonly Kept[];
}

/**
 * Removes the members that the project has no longer, as far as nothing stands against it, and narrows the inventory to
 * what is left. It is the end of an apply, and like it is never cut half-way.
 */
export async function prune(request: PruneRequest): Promise<Pruned> {
  const { kube, set, all, members, spared, unseen, asked, report, told, onPruned } = request;
  const plan = await planPrune({ kube, ref: set, all, members, asked, signal: never });
  tellUnseen(plan.unseen, told, report);
  const adopted = await adoptClaims(kube, set, plan.claims, never);
  const stray = new Set(adopted.unmarked.map(({ id }) => id));
  for (const warning of warnOfUnmarked(adopted.unmarked)) report(warning);
  const doomed = plan.doomed.filter(({ id }) => !stray.has(id));
  const kept = plan.kept.filter(({ id }) => !stray.has(id));
  const inUse = plan.inUse.filter((id) => !stray.has(id));
  const removals = await removeInOrder(doomed, { kube, ref: set, all, signal: never }, onPruned);
  const refused = doomed.flatMap(({ id }) => {
    const removal = removals.get(keyOf(id));
    if (removal?.kind === 'kept') return [{ id, because: removal.because }];
    return removal?.kind === 'refused' ? [{ id, because: `it can't be deleted: ${removal.because}` }] : [];
  });
  const staying = doomed.filter(({ id }) => removals.get(keyOf(id))?.kind !== 'gone');
  const still = members.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  const left = [...[...all, ...kept, ...staying, ...still, ...spared].map(({ id }) => id), ...inUse];
  const narrowed = {
    ...widen(setFor(set, left), setOfUnseen(set, unseen)),
    kept: [...kept.map(({ id }) => id), ...keptOf(set, spared)],
    refused: set.refused,
  };
  if (!isSameSet(narrowed, adopted.set)) await writeApplySet(kube, narrowed, never);
  const news = [...kept, ...refused];
  const wanted = new Set(all.map(({ id }) => keyOf(id)));
  const lasting = still.filter(({ id }) => !wanted.has(keyOf(id))).flatMap(explainLasting);
  for (const { id, because } of [...news, ...lasting]) {
    if (told.has(keyOf(id))) continue;
    told.add(keyOf(id));
    report({ type: 'deploy.kept', object: id, because });
  }
  return {
    pruned: doomed.map(({ id }) => id).filter((id) => !refused.some((each) => each.id === id)),
    kept: news,
  };
}

/** @returns what was kept before, of members that are not looked at now. */
function keptOf({ kept = [] }: ApplySet, members: readonly Member[]): readonly ObjectId[] {
  const keys = new Set(members.map(({ id }) => keyOf(id)));
  return kept.filter((id) => keys.has(keyOf(id)));
}

/** What was deleted a while ago and is still there: nobody waits for it, and somebody should know. */
function explainLasting({ id, metadata }: Member): readonly Kept[] {
  const lasts = Date.now() - Date.parse(metadata.deletionTimestamp ?? '') > lastingMs;
  return lasts ? [{ id, because: whatHolds({ apiVersion: id.apiVersion, kind: id.kind, metadata }) }] : [];
}

type Pruning = Removal | ({ readonly kind: 'kept' } & Pick<Kept, 'because'>);

/**
 * What a definition or a namespace takes with it may be refused its deletion before: the reasons are asked anew at its turn.
 * @returns by key what became of each.
 */
async function removeInOrder(
  doomed: readonly Member[],
  judging: Omit<Judging, 'going'>,
  onPruned: (id: ObjectId) => void,
): Promise<ReadonlyMap<string, Pruning>> {
  const removals = new Map<string, Pruning>();
  const going = new Set<string>();
  for (const rank of [...byRank(doomed, ({ id }) => id)].reverse())
    await mapLimited(rank, 10, async (member) => {
      const because = (await reasonAgainst(member, { ...judging, going })) ?? reasonInside(member, doomed, removals);
      const removal: Pruning =
        because === undefined
          ? await removeMember(judging.kube, member, 'Background', never)
          : { kind: 'kept', because };
      removals.set(keyOf(member.id), removal);
      if (removal.kind !== 'gone' && removal.kind !== 'going') return;
      going.add(member.metadata.uid ?? '');
      onPruned(member.id);
    });
  return removals;
}

/** With a namespace would go what was refused its deletion. */
function reasonInside(
  { id }: Member,
  doomed: readonly Member[],
  removals: ReadonlyMap<string, Pruning>,
): string | undefined {
  if (!isNamespace(id)) return undefined;
  const refused = doomed.filter((each) => removals.get(keyOf(each.id))?.kind === 'refused');
  return reasonOfRefused(
    id.name,
    refused.map((each) => each.id),
  );
}
