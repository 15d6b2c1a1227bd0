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
  let last = 0;
  return {
    next(): number {
      last = next * (1 - random() / 2);
      next = Math.min(next * 2, capMs);
      return last;
    },
    reset(): void {
      next = firstMs;
    },
    /**
     * What was tried went well for so long, and then broke: it starts again when that was as long as the delay before it.
     * So a network that cuts every connection after a while is waited for no longer than it serves.
     */
    servedFor(ms: number): void {
      if (ms >= last) next = firstMs;
    },
  };
}
