import type { Kube, KubeResource } from '../kube/kube.ts';
import { mapLimited } from '../lib/map-limited.ts';
import { keyOf } from '../objects.ts';
import type { ApplySet, Member } from './apply-set.ts';
import { type GroupKind, groupKindOf } from './kinds.ts';
import { isUnseen, listMembers, readMember } from './list-members.ts';
import type { Located } from './locate.ts';
import type { Unseen } from './unseen.ts';

export interface Before {
  readonly members: readonly Member[];
  /** By key; what is not there is no member yet. */
  readonly byKey: ReadonlyMap<string, Member>;
  readonly unseen: readonly Unseen[];
}

export interface ReadingBefore {
  /** Whether kinds count of which nothing is to be written: what left the manifests may be of them. */
  readonly everything: boolean;
  readonly signal: AbortSignal;
}

/** What the members were before, to tell what the apply changes: one list a kind, and where that is refused one by one. */
export async function readBefore(
  kube: Kube,
  recorded: ApplySet,
  objects: readonly Located[],
  known: ReadonlyMap<GroupKind, KubeResource>,
  { everything, signal }: ReadingBefore,
): Promise<Before> {
  const kinds = new Set(objects.map(({ id }) => groupKindOf(id)));
  const wanted = [...recorded.kinds].filter((kind) => everything || kinds.has(kind));
  const listed = await listMembers(kube, { ...recorded, kinds: new Set(wanted) }, signal, known);
  const { unseen } = listed;
  const hidden = objects.flatMap(({ id, resource }) =>
    resource && isUnseen({ id, resource }, unseen) ? [{ id, resource }] : [],
  );
  const read = await mapLimited(hidden, 10, (each) => readMember(kube, recorded, each, signal));
  const members = [...listed.members, ...read.flatMap((member) => member ?? [])];
  return { members, unseen, byKey: new Map(members.map((member) => [keyOf(member.id), member])) };
}
