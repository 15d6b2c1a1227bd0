import type { Asked, Reporter } from '../events.ts';
import { untilAborted } from '../lib/abort.ts';
import type { DevLoop } from './loop.ts';

/** Brings what a person asks for to the loop that runs; while none does, it says so. */
export class Desk {
  readonly #report: Reporter;
  #loop: Pick<DevLoop, 'ask'> | undefined;
  readonly #ending: AbortSignal;

  /** @param ending is aborted when no other loop will come. */
  constructor(report: Reporter, ending: AbortSignal) {
    this.#report = report;
    this.#ending = ending;
  }

  /** From now on, until what is returned is disposed, this loop is asked. */
  open(loop: Pick<DevLoop, 'ask'>): Disposable {
    this.#loop = loop;
    return {
      [Symbol.dispose]: () => {
        this.#loop = undefined;
      },
    };
  }

  /** Reads what is asked until it ends. @throws AbortError. */
  async read(asked: AsyncIterable<Asked>, signal: AbortSignal): Promise<void> {
    const iterator = asked[Symbol.asyncIterator]();
    for (;;) {
      const next = await untilAborted(iterator.next(), signal);
      if (next.done) return;
      if (this.#loop) this.#loop.ask(next.value);
      else
        this.#report({
          type: 'answer',
          text: `not now: the session is ${this.#ending.aborted ? 'ending' : 'starting'}`,
        });
    }
  }
}
