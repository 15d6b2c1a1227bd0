import type { ContainerState } from './pod-state.ts';

/**
 * Whether what a node said of a container at a time, as `Date.now()`, is of the run that goes on, or of the one that ended
 * last. What has no time, and what is said of a run that has none, can't be told to be.
 */
export function isOfRun(
  { state, startedAt = '', endedRun }: ContainerState,
  which: 'current' | 'ended',
  at: number,
): boolean {
  // The times of runs, and of most events, are whole seconds.
  const second = Math.floor(at / 1000) * 1000;
  if (which === 'current') return state === 'running' && second >= Date.parse(startedAt);
  return second >= Date.parse(endedRun?.from ?? '') && second <= Date.parse(endedRun?.to ?? '');
}
