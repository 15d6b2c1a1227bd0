import { isStatefulSet } from './claims.ts';
import { StuckPods } from './stuck-pods.ts';
import { type WaitOptions, waitReady, type WaitResult } from './wait-ready.ts';

/**
 * Waits as `waitReady` does, and deletes meanwhile the pods that a StatefulSet is stuck on, which is said.
 * Of one that may not be deleted a warning is told, and the wait goes on. @throws as waitReady.
 */
export async function unstickUntilReady(options: Omit<WaitOptions, 'help'>): Promise<WaitResult> {
  const stuck = new StuckPods(options);
  return waitReady({
    ...options,
    help: (workload, pods) => {
      if (!isStatefulSet(workload)) return undefined;
      const next = stuck.next(workload, pods);
      return next && ((signal) => stuck.remove(workload, next, signal));
    },
  });
}
