import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { keyOf } from '../objects.ts';
import type { ObjectId } from '../objects.ts';
import { isSameSet, setFor, writeApplySet } from './apply-set.ts';
import type { ApplySet, Member } from './apply-set.ts';
import { never } from './ask.ts';
import { adoptClaims, isClaimOf } from './claims.ts';
import type { Located } from './locate.ts';
import { mapLimited } from './map-limited.ts';
import { reasonToKeep } from './protected.ts';
import type { Kept } from './protected.ts';
import { removeMember } from './remove-member.ts';

export interface PruneRequest {
  readonly kube: Kube;
  /** As it is recorded now. */
  readonly set: ApplySet;
  readonly all: readonly Located[];
  readonly members: readonly Member[];
  readonly report: Reporter;
  /** Keys of what was reported as kept before: each is told once. */
  readonly told: Set<string>;
}

export interface Pruned {
  readonly pruned: readonly ObjectId[];
  readonly kept: readonly Kept[];
}

/**
 * Removes the members that the project has no longer, all but those that hold data, and narrows the inventory to what is
 * left. It is the end of an apply, and like it is never cut half-way.
 */
export async function prune({ kube, set, all, members, report, told }: PruneRequest): Promise<Pruned> {
  const wanted = new Set(all.flatMap(keysOf));
  const leftOver = members.filter(
    ({ id, metadata }) => !wanted.has(keyOf(id)) && metadata.deletionTimestamp === undefined,
  );
  const doomed = leftOver.filter(({ id }) => reasonToKeep(id) === undefined);
  const adopted = await adoptClaims(kube, set, doomed, never);
  const kept = [...leftOver, ...adopted.claims].flatMap(({ id }) => {
    const because = reasonToKeep(id);
    return because === undefined ? [] : [{ id, because }];
  });
  const removals = await mapLimited(doomed, 10, (member) => removeMember(kube, member, 'Background', never));
  const staying = doomed.filter((_member, index) => removals[index]?.kind !== 'gone');
  const refused = doomed.flatMap(({ id }, index) => {
    const removal = removals[index];
    return removal?.kind === 'refused' ? [{ id, because: `it can't be deleted: ${removal.because}` }] : [];
  });
  const still = members.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  const left = [...all, ...kept, ...staying, ...still].map(({ id }) => id);
  const narrowed = setFor(set, left);
  if (!isSameSet(narrowed, adopted.set)) await writeApplySet(kube, narrowed, never);
  const news = [...kept.filter(({ id }) => !isInUse(id, all)), ...refused];
  for (const { id, because } of news) {
    if (told.has(keyOf(id))) continue;
    told.add(keyOf(id));
    report({ type: 'deploy.kept', object: id, because });
  }
  return {
    pruned: doomed.filter((_member, index) => removals[index]?.kind !== 'refused').map(({ id }) => id),
    kept: news,
  };
}

/** A kind that the cluster does not know just now may be of either scope: both keys are wanted. */
function keysOf({ id, resource }: Located): readonly string[] {
  return resource ? [keyOf(id)] : [keyOf(id), keyOf({ ...id, namespace: undefined })];
}

/** A claim that was kept when its StatefulSet went, and serves it again. */
function isInUse(id: ObjectId, all: readonly Located[]): boolean {
  return id.kind === 'PersistentVolumeClaim' && all.some(({ object }) => isClaimOf(id, object));
}
