/** This much is sent as soon as the turn is over. */
const fullAt = 64 * 1024;
/** Nothing waits longer for what may come after it. */
const longestMs = 2;

/**
 * Decides when what is written to a link leaves: a system call, a TLS record and a wake-up of the peer for each small frame
 * cost more than all the rest. Node.js accepts one connection a turn of its loop, so frames of connections that come together
 * are written in many turns: they are gathered until a turn has brought nothing more.
 */
export class Gathering {
  readonly #flush: () => void;
  readonly #now: () => number;
  #isWaiting = false;
  /** What was added since the last look. */
  #isMore = false;
  #size = 0;
  #since = 0;
  readonly #look = () => {
    if (this.#isMore && this.#size < fullAt && this.#now() - this.#since < longestMs) {
      this.#isMore = false;
      setImmediate(this.#look);
      return;
    }
    this.#isWaiting = false;
    this.#size = 0;
    this.#flush();
  };

  /**
   * @param flush sends what was written; called once for all that was added since the last time.
   * @param now a clock in milliseconds.
   */
  constructor(flush: () => void, now: () => number = () => performance.now()) {
    this.#flush = flush;
    this.#now = now;
  }

  /** Says that so many bytes were written. @returns whether they are the first since the last flush. */
  add(size: number): boolean {
    this.#size += size;
    this.#isMore = true;
    if (this.#isWaiting) return false;
    this.#isWaiting = true;
    this.#since = this.#now();
    setImmediate(this.#look);
    return true;
  }
}
