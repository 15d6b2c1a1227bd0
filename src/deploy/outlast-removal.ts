import { Failure, isAbort } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import type { ObjectMeta } from '../objects.ts';
import { formatId } from '../objects.ts';
import type { Member } from './apply-set.ts';
import { goneWithin, type Vanishing } from './wait-gone.ts';
import { whatStillHolds } from './what-holds.ts';

/** How long an object that has to go first may take: pods take their time, and so do finalizers of other programs. */
export const usualRemovalMs = 120_000;

export interface Outlasting {
  readonly report: Reporter;
  /** After how long it is told what holds the object; 0: at once. */
  readonly tellAfterMs: number;
  /** 0: it is only looked whether it has gone. */
  readonly withinMs: number;
  /** Of the apply. What it writes is not cut half-way; the wait for something to go writes nothing, and ends. */
  readonly signal: AbortSignal;
}

/**
 * Waits for an object that is on its way out, and says so: the server accepts a write to it, which is lost with it.
 *
 * @returns a Failure when it stays for too long, or an abort ends the wait. @throws Failure `unreachable`.
 */
export async function outlastRemoval(
  kube: Kube,
  { id, resource, where }: Pick<Member, 'id' | 'resource'> & { readonly where: string },
  { uid = '' }: ObjectMeta,
  { report, tellAfterMs, withinMs, signal }: Outlasting,
): Promise<Failure | undefined> {
  const request = { path: pathOf(resource, { namespace: id.namespace }), fieldSelector: `metadata.name=${id.name}` };
  const vanishing: readonly Vanishing[] = [{ request, uids: new Set([uid]) }];
  const holding = () => whatStillHolds(kube, pathOf(resource, id), uid, never);
  const startedAt = performance.now();
  if (tellAfterMs > 0 && (await goneBefore(kube, vanishing, Math.min(tellAfterMs, withinMs), signal))) return undefined;
  const told = await holding();
  if (told === undefined) return undefined;
  if (withinMs > 0) report({ type: 'deploy.waiting', object: id, because: told, usual: false });
  const leftMs = Math.max(0, withinMs - (performance.now() - startedAt));
  if (await goneBefore(kube, vanishing, leftMs, signal)) return undefined;
  const because = await holding();
  if (because === undefined) return undefined;
  const waited = `it is still there after ${Math.round((performance.now() - startedAt) / 1000)} s`;
  return new Failure('refused', `${formatId(id)} can't be applied: ${because}`, {
    where,
    detail: withinMs > 0 ? waited : 'it is not waited for any more',
    next: 'mend what holds it, and run again',
  });
}

/** @returns false also for an abort. */
async function goneBefore(
  kube: Kube,
  vanishing: readonly Vanishing[],
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await goneWithin(kube, vanishing, withinMs, signal);
  } catch (error) {
    if (signal.aborted && isAbort(error)) return false;
    throw error;
  }
}
