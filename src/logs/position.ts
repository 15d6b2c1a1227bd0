import type { StampedLine } from './stamped-lines.ts';

/**
 * How far the log of a container has been told, so that it can be asked for again after a cut and each line is told
 * once. The server can only be asked from a whole second on, and the runtime stamps stdout and stderr on their own, so
 * neighbours can stand out of order: the lines told of the last two seconds are kept by stamp and counted.
 */
export class Position {
  /** Lines before it are not wanted; see `keepFrom`. */
  #from: string | undefined;
  /** Stamp to the lines told with it, of the second of the newest line and of the one before. */
  #newest: Told = { second: '', lines: new Map() };
  #older: Told = { second: '', lines: new Map() };
  /** The long line of which some pieces were told, and not yet its end. */
  #unfinished: { readonly stamp: string; readonly pieces: number } | undefined;

  /** Whether nothing was told yet. */
  get empty(): boolean {
    return this.#newest.second === '' && !this.#unfinished;
  }

  /** The time to ask from, RFC 3339 in whole seconds; undefined: from the start. */
  get since(): string | undefined {
    if (this.empty) return undefined;
    const second = this.#newest.second === '' ? secondOf(this.#unfinished?.stamp ?? '') : this.#newest.second;
    return before(second);
  }

  /** From now on lines stamped before `stamp` are never new. */
  keepFrom(stamp: string): void {
    this.#from = stamp;
  }

  /** Begins to read a log again, from `since` on or before it. */
  read(): Reading {
    const seen = new Map([...this.#older.lines, ...this.#newest.lines]);
    const since = this.since;
    const from = [this.#from ?? '', since === undefined ? '' : since.slice(0, 19)].sort().at(-1) ?? '';
    return new Reading(seen, from, this.#unfinished);
  }

  /** Notes that a line, or a piece of one, was told. */
  tell(line: StampedLine): void {
    const { stamp } = line;
    if (!line.ended) {
      const before = this.#unfinished?.stamp === stamp && line.rest ? this.#unfinished.pieces : 0;
      this.#unfinished = { stamp, pieces: before + 1 };
      return;
    }
    this.#unfinished = undefined;
    const second = secondOf(stamp);
    if (second > this.#newest.second) {
      this.#older = before(second).startsWith(this.#newest.second) ? this.#newest : { second: '', lines: new Map() };
      this.#newest = { second, lines: new Map() };
    }
    const told = second === this.#newest.second ? this.#newest : this.#older;
    told.lines.set(stamp, (told.lines.get(stamp) ?? 0) + 1);
  }
}

/** One pass through a log, told apart from what was told before it began. */
export class Reading {
  readonly #seen: Map<string, number>;
  readonly #from: string;
  readonly #unfinished: { readonly stamp: string; readonly pieces: number } | undefined;
  #overlaps = false;
  /** Of the line that is being read: pieces that are still to be left out. */
  #skip = 0;

  constructor(
    seen: Map<string, number>,
    from: string,
    unfinished: { readonly stamp: string; readonly pieces: number } | undefined,
  ) {
    this.#seen = seen;
    this.#from = from;
    this.#unfinished = unfinished;
  }

  /** Whether a line came by that was told before: then this is the log that was read before. */
  get overlaps(): boolean {
    return this.#overlaps;
  }

  /** Asked once of each line, in order. @returns whether it is to be told. */
  isNew(line: StampedLine): boolean {
    if (!line.rest) this.#skip = this.#toSkip(line.stamp);
    if (this.#skip === 0) return true;
    this.#skip--;
    return false;
  }

  #toSkip(stamp: string): number {
    if (stamp < this.#from) return Number.POSITIVE_INFINITY;
    const count = this.#seen.get(stamp) ?? 0;
    if (count > 0) {
      this.#overlaps = true;
      this.#seen.set(stamp, count - 1);
      return Number.POSITIVE_INFINITY;
    }
    if (this.#unfinished?.stamp !== stamp) return 0;
    this.#overlaps = true;
    return this.#unfinished.pieces;
  }
}

interface Told {
  readonly second: string;
  readonly lines: Map<string, number>;
}

function secondOf(stamp: string): string {
  return stamp.slice(0, 19);
}

function before(second: string): string {
  return `${new Date(Date.parse(`${second}Z`) - 1000).toISOString().slice(0, 19)}Z`;
}
