const firstPauseMs = 5000;
const longestPauseMs = 600_000;

/**
 * What is told of the clients of one port that got no answer: the first at once, and then, while they go on trying, how many
 * there were since the last line, after pauses that double up to ten minutes. Disposing it ends the telling.
 */
export class Refusals implements Disposable {
  readonly #tell: (because: string, times: number) => void;
  #pauseMs = firstPauseMs;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;
  #because = '';

  constructor(tell: (because: string, times: number) => void) {
    this.#tell = tell;
  }

  refused(because: string): void {
    if (this.#timer) {
      this.#since++;
      this.#because = because;
      return;
    }
    this.#tell(because, 1);
    this.#pause();
  }

  /** A client was served: what comes after it is news sooner. */
  served(): void {
    this.#pauseMs = firstPauseMs;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #pause(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const times = this.#since;
      this.#since = 0;
      if (times === 0) {
        this.#pauseMs = firstPauseMs;
        return;
      }
      this.#tell(this.#because, times);
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
      this.#pause();
    }, this.#pauseMs);
  }
}
