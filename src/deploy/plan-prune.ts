import type { Kube } from '../kube/kube.ts';
import { formatId, keyOf } from '../objects.ts';
import type { ObjectId } from '../objects.ts';
import type { ApplySetRef, Member } from './apply-set.ts';
import { findClaims, isClaimOf } from './claims.ts';
import { isCrd } from './kinds.ts';
import type { Located } from './locate.ts';
import { reasonAgainstDefinition } from './own-definitions.ts';
import { reasonAgainstNamespace } from './own-namespaces.ts';
import { type Asked, isNamespace, type Kept, reasonToKeep } from './protected.ts';
import { byRank } from './ranks.ts';
import type { Unseen } from './unseen.ts';

export interface PrunePlanRequest {
  readonly kube: Kube;
  readonly ref: ApplySetRef;
  /** Every object that the project has now. */
  readonly all: readonly Located[];
  readonly members: readonly Member[];
  readonly asked: Asked;
  readonly signal: AbortSignal;
}

export interface PrunePlan {
  /** In the order in which they go: users of things before the things. */
  readonly doomed: readonly Member[];
  /** Claims of StatefulSets among them that are no members yet. */
  readonly claims: readonly Member[];
  /** Where there may be more of those. */
  readonly unseen: readonly Unseen[];
  readonly kept: readonly Kept[];
  /** No manifest names them, and what the manifests have uses them. */
  readonly inUse: readonly ObjectId[];
}

/** @returns what an apply of these objects would take away, by what the cluster holds now. Nothing is written. */
export async function planPrune({ kube, ref, all, members, asked, signal }: PrunePlanRequest): Promise<PrunePlan> {
  const wanted = new Set(all.flatMap(keysOf));
  const leftOver = members.filter(
    ({ id, metadata }) => !wanted.has(keyOf(id)) && metadata.deletionTimestamp === undefined,
  );
  const found = await findClaims(kube, ref, leftOver, signal);
  const claims = found.claims.filter(({ id }) => !wanted.has(keyOf(id)));
  const gone = [...leftOver, ...claims];
  const idle = gone.filter(({ id }) => !isInUse(id, all));
  const candidates = idle.filter(({ id }) => reasonToKeep(id, asked, 'run') === undefined);
  const going = new Set(candidates.map(({ metadata }) => metadata.uid ?? ''));
  const reasons = new Map<Member, string>();
  for (const member of candidates) {
    const because = await reasonAgainst(member, { kube, ref, all, going, signal });
    if (because !== undefined) reasons.set(member, because);
  }
  const doomed = candidates.filter((member) => !reasons.has(member));
  return {
    unseen: found.unseen,
    doomed: [...byRank(doomed, ({ id }) => id)].reverse().flat(),
    claims,
    kept: idle.flatMap((member) => {
      const because = reasonToKeep(member.id, asked, 'run') ?? reasons.get(member);
      return because === undefined ? [] : [{ id: member.id, because }];
    }),
    inUse: gone.filter((member) => !idle.includes(member)).map(({ id }) => id),
  };
}

export interface Judging extends Pick<PrunePlanRequest, 'kube' | 'ref' | 'all' | 'signal'> {
  /** Uids of what goes before it. */
  readonly going: ReadonlySet<string>;
}

/** @returns what stands against taking away what was asked for; undefined when nothing does. */
export async function reasonAgainst(
  member: Member,
  { kube, ref, all, going, signal }: Judging,
): Promise<string | undefined> {
  const { id } = member;
  if (isCrd(id)) return reasonAgainstDefinition(kube, member, going, signal);
  if (!isNamespace(id)) return undefined;
  if (id.name === ref.namespace) return 'the project itself lives in it';
  const inside = all.find((each) => each.id.namespace === id.name);
  if (inside) return `${formatId(inside.id)} of the manifests goes into it`;
  return reasonAgainstNamespace(kube, ref, id.name, signal, going);
}

/** A kind that the cluster does not know just now may be of either scope: both keys are wanted. */
function keysOf({ id, resource }: Located): readonly string[] {
  return resource ? [keyOf(id)] : [keyOf(id), keyOf({ ...id, namespace: undefined })];
}

/** A claim that was kept when its StatefulSet went, and serves it again. */
function isInUse(id: ObjectId, all: readonly Located[]): boolean {
  return id.kind === 'PersistentVolumeClaim' && all.some(({ object }) => isClaimOf(id, object));
}
