import type { Kube } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import { keyOf, type ObjectId } from '../objects.ts';
import { type ApplySet, isSameSet, setFor, widen, writeApplySet } from './apply-set.ts';
import type { Located } from './locate.ts';
import { neverWritten } from './never-written.ts';
import type { Written } from './write-all.ts';

interface Settling {
  readonly kube: Kube;
  /** As it was before the apply. */
  readonly recorded: ApplySet;
  /** As it is recorded now. */
  readonly set: ApplySet;
  /** What the apply was to write. */
  readonly objects: readonly Located[];
  /** Every object that the project has; undefined when that is not known. */
  readonly all: readonly Located[] | undefined;
  /** What became members besides. */
  readonly adopted: readonly ObjectId[];
  readonly written: Written;
}

/**
 * Notes in the inventory what an apply was refused, for `status`, and gives the room back of what was never written.
 * @returns the set as it is recorded then.
 */
export async function settleInventory(settling: Settling): Promise<ApplySet> {
  const { kube, set, written } = settling;
  const settled = { ...(written.refused.length > 0 ? await giveBack(settling) : set), refused: refusedNow(settling) };
  if (!isSameSet(settled, set)) await writeApplySet(kube, settled, never);
  return settled;
}

async function giveBack({ kube, recorded, set, objects, all, adopted, written }: Settling): Promise<ApplySet> {
  const unwritten = await neverWritten(kube, recorded, objects, written.refused);
  const ids = [...[...objects, ...(all ?? [])].map(({ id }) => id), ...adopted];
  const left = ids.filter((id) => !unwritten.has(keyOf(id)));
  return { ...widen(recorded, setFor(recorded, left)), kept: set.kept };
}

/** An apply may write a part of the objects: what was refused before counts until it is written, or leaves the manifests. */
function refusedNow({ recorded, objects, all, written }: Settling): readonly ObjectId[] {
  const tried = keysOf(objects);
  const wanted = all && keysOf(all);
  const before = recorded.refused ?? [];
  return [
    ...before.filter((id) => !tried.has(keyOf(id)) && (wanted?.has(keyOf(id)) ?? true)),
    ...written.refused.map(({ id }) => id),
  ];
}

function keysOf(located: readonly Located[]): ReadonlySet<string> {
  return new Set(located.map(({ id }) => keyOf(id)));
}
