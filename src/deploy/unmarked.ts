import type { Report } from '../events.ts';
import type { ApiError } from '../kube/kube.ts';
import { formatPlaced, type ObjectId } from '../objects.ts';
import { nameSome } from './name-some.ts';
import type { Kept } from './protected.ts';
import { whyForbidden } from './refusal-words.ts';

/** A claim that a StatefulSet leaves behind, and that the account may not mark as the project's. */
export interface Unmarked {
  readonly id: ObjectId;
  readonly refusal: ApiError;
}

/** @returns that they stay, and why. */
export function keptUnmarked(unmarked: readonly Unmarked[]): readonly Kept[] {
  return unmarked.map(({ id, refusal }) => ({
    id,
    because: `it can't be marked as the project's: ${whyForbidden(refusal.message)}`,
  }));
}

/** @returns a warning that tells all of them; none when there are none. */
export function warnOfUnmarked(unmarked: readonly Unmarked[]): readonly Extract<Report, { type: 'warning' }>[] {
  if (unmarked.length === 0) return [];
  const reasons = new Set(unmarked.map(({ refusal }) => whyForbidden(refusal.message)));
  const names = nameSome(unmarked, ({ id }) => formatPlaced(id));
  return [
    {
      type: 'warning',
      text: `${[...reasons].join('; ')}: claims of StatefulSets that go stay, and no inventory tells of them: ${names}`,
      next: 'who wants them gone deletes them with kubectl; with that right `stormctl delete --volumes` would have',
    },
  ];
}
