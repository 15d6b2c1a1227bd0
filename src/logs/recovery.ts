import type { Reporter } from '../events.ts';

/** How long after its first line a stream that was taken up again counts as still catching up. */
const catchUpMs = 200;

/**
 * Sums up cuts for people: an API server that restarts cuts every stream at once, and one line tells of it when all of
 * them have caught up. Cuts that lost nothing are not worth a line.
 */
export class Recovery {
  readonly #report: Reporter;
  readonly #sources = new Set<string>();
  #open = 0;
  #lines = 0;

  constructor(report: Reporter) {
    this.#report = report;
  }

  /** A stream of `source` was cut. */
  begin(source: string): CatchUp {
    this.#open++;
    return new CatchUp((lines) => this.#finish(source, lines));
  }

  #finish(source: string, lines: number): void {
    this.#open--;
    this.#lines += lines;
    if (lines > 0) this.#sources.add(source);
    if (this.#open > 0) return;
    const [only] = this.#sources.size === 1 ? this.#sources : [];
    if (this.#lines > 0) this.#report({ type: 'log.recovered', source: only, lines: this.#lines });
    this.#sources.clear();
    this.#lines = 0;
  }
}

/** One stream that was cut, from the cut until it has caught up. */
export class CatchUp {
  readonly #finish: (lines: number) => void;
  #lines = 0;
  #timer: NodeJS.Timeout | undefined;
  #finished = false;

  constructor(finish: (lines: number) => void) {
    this.#finish = finish;
  }

  /** Not caught up yet. */
  get active(): boolean {
    return !this.#finished;
  }

  /** The stream, taken up again, gave something. */
  gotData(): void {
    if (!this.#finished) this.#timer ??= setTimeout(() => this.end(), catchUpMs);
  }

  /** A line was told that the cut had kept back. */
  gotLine(): void {
    this.#lines++;
  }

  /** Caught up, or given up. Ends the timer. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#finished) return;
    this.#finished = true;
    this.#finish(this.#lines);
  }
}
