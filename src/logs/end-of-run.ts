import type { StreamEnd } from './log-stream.ts';

/** So often in a row a node says that it has no such log before that is believed: for a few seconds. */
export const mostRefusals = 6;

/**
 * Says when all was read of a run that is over. A busy node writes the last lines of a container into its log after it has
 * said that the container ended, so it is read to its end twice; and such a node may say for a moment that it has no log of it.
 */
export class EndOfRun {
  #ends = 0;
  #refusals = 0;

  /** @param kind how a reading came to its end that was begun when the run was over. */
  isReached(kind: StreamEnd['kind']): boolean {
    this.#refusals = kind === 'refused' ? this.#refusals + 1 : 0;
    if (kind === 'ended') this.#ends++;
    return this.#ends === 2 || (this.#ends === 1 && this.#refusals > 0) || this.#refusals === mostRefusals;
  }
}
