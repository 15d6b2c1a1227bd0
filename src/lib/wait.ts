import { setTimeout as delay } from 'node:timers/promises';

/** What a timer of Node.js can count; one of more is over at once. */
const mostMs = 2 ** 31 - 1;

/** Resolves after `ms`, however many they are; rejects with the signal's AbortError as soon as it is aborted. */
export async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let left = ms;
  for (; left > mostMs; left -= mostMs) await delay(mostMs, undefined, { signal });
  await delay(left, undefined, { signal });
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
