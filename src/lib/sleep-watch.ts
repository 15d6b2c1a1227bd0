export interface SleepTiming {
  readonly everyMs: number;
  /** How much longer than that it may take before it counts as a sleep. */
  readonly gapMs: number;
  /** The time of day, which goes on while a machine sleeps. */
  readonly now: () => number;
}

/**
 * Calls `onWake` when this process goes on after it did not run for a while: its machine slept, or it was stopped.
 * What was connected may be dead by then, and says nothing. @returns what ends the watch.
 */
export function watchForSleep({ everyMs, gapMs, now }: SleepTiming, onWake: () => void): () => void {
  let last = now();
  const timer = setInterval(() => {
    const at = now();
    const slept = at - last > everyMs + gapMs;
    last = at;
    if (slept) onWake();
  }, everyMs).unref();
  return () => clearInterval(timer);
}
