/** How long what is added may wait, and how much of it wakes the writing before that. */
const delayMs = 500;
const eagerLength = 512 * 1024;
/** What may wait, in UTF-16 units: more is dropped, so that a disk that hangs can't fill the memory. */
const mostWaiting = 8 * 1024 * 1024;

export interface Batch {
  readonly text: string;
  /** How many entries of this file were dropped since the last batch that was written. */
  readonly lost: number;
}

/**
 * Collects what goes to files and hands it on in batches, one at a time: never a write for each line, never a wait for who
 * adds. A batch that can't be written is dropped and counted; `onProblem` hears of the first one alone. Disposing hands on
 * what is left, and never throws.
 */
export class Batches implements AsyncDisposable {
  readonly #write: (file: string, batch: Batch) => Promise<void>;
  readonly #onProblem: (error: unknown) => void;
  readonly #waiting = new Map<string, Waiting>();
  #length = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isTold = false;
  #isEnding = false;

  constructor(write: (file: string, batch: Batch) => Promise<void>, onProblem: (error: unknown) => void) {
    this.#write = write;
    this.#onProblem = onProblem;
  }

  /** @param entry whole lines. */
  add(file: string, entry: string): void {
    if (this.#isEnding) return;
    const waiting = this.#waitingFor(file);
    if (this.#length + entry.length > mostWaiting) {
      waiting.lost++;
      return;
    }
    waiting.entries.push(entry);
    this.#length += entry.length;
    if (this.#length > eagerLength) this.#begin();
    else this.#timer ??= setTimeout(() => this.#begin(), delayMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    await this.#writing;
    this.#begin();
    await this.#writing;
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      // What came meanwhile.
      if (this.#length > 0 && !this.#isEnding) this.#timer ??= setTimeout(() => this.#begin(), delayMs);
    });
  }

  async #writeAll(): Promise<void> {
    for (const [file, waiting] of this.#waiting) {
      const { entries, lost } = waiting;
      if (entries.length === 0) continue;
      const text = entries.join('');
      waiting.entries = [];
      waiting.lost = 0;
      try {
        await this.#write(file, { text, lost });
      } catch (error) {
        waiting.lost += lost + entries.length;
        if (!this.#isTold) this.#onProblem(error);
        this.#isTold = true;
      }
      this.#length -= text.length;
    }
  }

  #waitingFor(file: string): Waiting {
    const known = this.#waiting.get(file);
    if (known) return known;
    const fresh = { entries: [], lost: 0 };
    this.#waiting.set(file, fresh);
    return fresh;
  }
}

interface Waiting {
  entries: string[];
  lost: number;
}
