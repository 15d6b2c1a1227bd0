import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after `ms`; rejects with the signal's AbortError as soon as it is aborted. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal });
}

/** Delays between tries: doubling from `firstMs` to `capMs`, each shortened by up to half at random. `reset` starts again. */
export function backoff(firstMs: number, capMs: number, random: () => number = Math.random) {
  let next = firstMs;
  return {
    next(): number {
      const ms = next * (1 - random() / 2);
      next = Math.min(next * 2, capMs);
      return ms;
    },
    reset(): void {
      next = firstMs;
    },
  };
}
