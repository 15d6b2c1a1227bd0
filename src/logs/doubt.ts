import { LinkedSignal } from '../lib/abort.ts';
import { wait } from '../lib/wait.ts';

export interface DoubtTiming {
  /** After this long without a byte a stream is doubted. */
  readonly quietMs: number;
  /** The same for one that has carried so much that its log may have been rotated meanwhile; doubled each time. */
  readonly floodMs: number;
  /** How long a line may take to come by the stream when it was seen beside it. */
  readonly graceMs: number;
  /** How long the answer to a doubt may take. */
  readonly answerMs: number;
}

export interface DoubtOptions extends DoubtTiming {
  /** The stamp of the last line that the stream gave; undefined: none yet. */
  readonly seen: () => string | undefined;
  /**
   * Asks beside the stream for the stamp of the log's last line. @returns an empty text when the log is empty, undefined when
   * the server does not say. Throws when nobody answers.
   */
  readonly askNewest: (signal: AbortSignal) => Promise<string | undefined>;
  /**
   * The stream does not give what the log has, or follows a file that is the log no more. @param isEmpty the log has
   * nothing.
   */
  readonly onStalled: (isEmpty: boolean) => void;
}

/** Half of what a node lets a log grow to before it begins a new file (kubelet: containerLogMaxSize, 10Mi). */
const floodBytes = 5 * 1024 * 1024;

/**
 * Doubts a stream that is silent: a proxy that lost its other end keeps the connection alive and passes nothing on, which
 * looks like a container that has nothing to say. Only a line that the log has, and the stream does not bring, tells them
 * apart (https://github.com/tilt-dev/tilt/issues/3908).
 *
 * A kubelet stops following a log for good that was rotated before it had once read it to its end (it looks for new files
 * only from then on): then the log does not have the line any more that came last.
 */
export class Doubt implements Disposable {
  readonly #options: DoubtOptions;
  readonly #quietMs: number;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = 0;
  #bytes = 0;
  readonly #ended = new AbortController();
  /** The last line of the log when it was first asked for: it may be one that the stream is not to give. */
  #first: string | undefined;
  #came = 0;
  #isHeld = false;

  constructor(options: DoubtOptions) {
    this.#options = options;
    // Spread, so that a hundred quiet containers are not asked for at once.
    this.#quietMs = options.quietMs * (0.75 + Math.random() / 2);
    this.#arm(this.#quietMs);
  }

  /** @param bytes how many came. */
  came(bytes: number): void {
    this.#came++;
    this.#bytes += bytes;
    this.#arm(this.#bytes < floodBytes ? this.#quietMs : Math.min(this.#options.floodMs, this.#quietMs));
  }

  /** @param isHeld nothing is being read: the silence is our own. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#timer?.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#ended.abort();
  }

  #arm(ms: number): void {
    if (ms === this.#delayMs && this.#timer) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#delayMs = ms;
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  async #ask(): Promise<void> {
    const { graceMs, onStalled } = this.#options;
    const { signal } = this.#ended;
    const before = this.#came;
    try {
      const verdict = this.#isHeld ? 'equal' : await this.#compare();
      if (verdict !== 'equal') {
        await wait(graceMs, signal);
        if (before === this.#came && !this.#isHeld) return onStalled(verdict === 'empty');
      }
    } catch {
      // Nobody answers: whoever opens the stream anew finds out when somebody does.
      if (!signal.aborted && before === this.#came) return onStalled(false);
    }
    if (!signal.aborted && before === this.#came) this.#arm(Math.min(this.#delayMs * 2, this.#quietMs));
  }

  /** @throws when nobody answers in time. */
  async #compare(): Promise<'equal' | 'behind' | 'empty'> {
    const { seen } = this.#options;
    const stamp = await this.#askInTime();
    const known = seen() ?? this.#first;
    this.#first ??= stamp;
    if (known === undefined || stamp === undefined || stamp === known) return 'equal';
    if (stamp === '') return 'empty';
    return stamp > known ? 'behind' : 'equal';
  }

  async #askInTime(): Promise<string | undefined> {
    const { askNewest, answerMs } = this.#options;
    using link = new LinkedSignal(this.#ended.signal);
    const timer = setTimeout(() => link.abort(new Error(`no answer within ${answerMs} ms`)), answerMs);
    try {
      return await askNewest(link.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}
