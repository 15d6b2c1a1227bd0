import { wait } from '../lib/wait.ts';

export interface DoubtTiming {
  /** After this long without a byte a stream is doubted. */
  readonly quietMs: number;
  /** How long a line may take to come by the stream when it was seen beside it. */
  readonly graceMs: number;
  /** How long the answer to a doubt may take. */
  readonly answerMs: number;
}

export interface DoubtOptions extends DoubtTiming {
  /** The stamp of the last line that the stream gave; undefined: none yet. */
  readonly seen: () => string | undefined;
  /** Asks beside the stream for the stamp of the log's last line; undefined: there is none. Throws when nobody answers. */
  readonly askNewest: (signal: AbortSignal) => Promise<string | undefined>;
  /** The stream does not give what the log has. */
  readonly onStalled: () => void;
}

/**
 * Doubts a stream that is silent: a proxy that lost its other end keeps the connection alive and passes nothing on, which
 * looks like a container that has nothing to say. Only a line that the log has, and the stream does not bring, tells them
 * apart (https://github.com/tilt-dev/tilt/issues/3908).
 */
export class Doubt implements Disposable {
  readonly #options: DoubtOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #ended = new AbortController();
  /** The last line of the log when it was first asked for: it may be one that the stream is not to give. */
  #first: string | undefined;
  #came = 0;
  #isHeld = false;

  constructor(options: DoubtOptions) {
    this.#options = options;
    // Spread, so that a hundred quiet containers are not asked for at once.
    this.#timer = setTimeout(() => void this.#ask(), options.quietMs * (0.75 + Math.random() / 2));
  }

  /** Bytes came. */
  came(): void {
    this.#came++;
    this.#timer.refresh();
  }

  /** @param isHeld nothing is being read: the silence is our own. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#ended.abort();
  }

  async #ask(): Promise<void> {
    const { graceMs, onStalled } = this.#options;
    const { signal } = this.#ended;
    const before = this.#came;
    try {
      if (!this.#isHeld && (await this.#isBehind())) {
        await wait(graceMs, signal);
        if (before === this.#came && !this.#isHeld) return onStalled();
      }
    } catch {
      // Nobody answers: whoever opens the stream anew finds out when somebody does.
      if (!signal.aborted && before === this.#came) return onStalled();
    }
    if (!signal.aborted) this.#timer.refresh();
  }

  /** @throws when nobody answers in time. */
  async #isBehind(): Promise<boolean> {
    const { askNewest, answerMs, seen } = this.#options;
    const stamp = await askNewest(AbortSignal.any([this.#ended.signal, AbortSignal.timeout(answerMs)]));
    const known = seen() ?? this.#first;
    this.#first ??= stamp;
    return known !== undefined && stamp !== undefined && stamp > known;
  }
}
