import { Failure } from '../errors.ts';
import { ApiError, type Kube } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import { mapLimited } from '../lib/map-limited.ts';
import type { ObjectId } from '../objects.ts';
import { keyOf } from '../objects.ts';
import type { ApplySetRef } from './apply-set.ts';
import { readMember } from './list-members.ts';
import type { Located } from './locate.ts';

/**
 * The inventory has room for what the cluster refused: a kind that the account may not list, a namespace that is not there.
 * @returns by key those of which it is certain that nothing was written, so that the room can be given back.
 */
export async function neverWritten(
  kube: Kube,
  ref: ApplySetRef,
  objects: readonly Located[],
  refused: readonly { readonly id: ObjectId; readonly failure: Failure }[],
): Promise<ReadonlySet<string>> {
  const failures = new Map(refused.map(({ id, failure }) => [keyOf(id), failure]));
  const untouched = objects.flatMap(({ id, resource }) => {
    const failure = failures.get(keyOf(id));
    return resource && failure && isRefusal(failure) ? [{ id, resource }] : [];
  });
  // One that was taken over was written before that was refused.
  const members = await mapLimited(untouched, 10, (each) => readMember(kube, ref, each, never));
  return new Set(untouched.filter((_, index) => !members[index]).map(({ id }) => keyOf(id)));
}

/** What a server or a proxy says when its time is over may have been written none the less. */
function isRefusal({ cause }: Failure): boolean {
  // It was held back, since something that it uses was refused.
  if (cause instanceof Failure) return true;
  return cause instanceof ApiError && [400, 403, 404, 422].includes(cause.status);
}
