import type { Report } from '../events.ts';
import type { ObjectId } from '../objects.ts';
import type { Outcome } from './write-one.ts';

/** What an apply has done until now: known whatever ends it. */
export type SoFar = Readonly<Record<Outcome | 'pruned', ObjectId[]>>;

export function nothingSoFar(): SoFar {
  return { created: [], changed: [], replaced: [], unchanged: [], pruned: [] };
}

/** @returns the outcomes as they are told: what was replaced is changed, too, and of what was unchanged the number. */
export function outcomesOf({ created, changed, replaced, unchanged }: SoFar) {
  return { created, changed: [...changed, ...replaced], replaced, unchanged: unchanged.length };
}

/** @returns what an apply that is cut short tells; undefined when it changed nothing. */
export function reportOfCut(soFar: SoFar, ms: number): Extract<Report, { type: 'deploy.applied' }> | undefined {
  const outcomes = outcomesOf(soFar);
  const { pruned } = soFar;
  if (outcomes.created.length + outcomes.changed.length + pruned.length === 0) return undefined;
  return { type: 'deploy.applied', ...outcomes, pruned, ms };
}
