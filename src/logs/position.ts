import type { StampedLine } from './stamped-lines.ts';

/**
 * How far the log of a container has been told, so that it can be asked for again after a cut and each line is told
 * once. The server can only be asked from a whole second on, and the runtime stamps stdout and stderr on their own, so
 * neighbours can stand out of order: the lines told of the last two seconds are kept by stamp and counted.
 */
export class Position {
  /** Lines before it are not wanted; see `keepFrom`. */
  #from: string | undefined;
  /** It is the stamp of a line, and lines before that one may have it too. */
  #isFromLine = false;
  /** The lines told of the second of the newest line, and of the second before that one. */
  #newest: Second | undefined;
  #older: Second | undefined;
  /** The second and the nanoseconds of the line that was told last. */
  #last: Second | undefined;
  /** The long line of which some pieces were told, and not yet its end. */
  #unfinished: Unfinished | undefined;

  /** Whether nothing was told yet. */
  get empty(): boolean {
    return !this.#newest && !this.#unfinished;
  }

  /** The time to ask from, RFC 3339 in whole seconds; undefined: from the start. */
  get since(): string | undefined {
    const second = this.#newest?.name ?? this.#unfinished?.stamp.slice(0, 19);
    return second === undefined ? undefined : before(second);
  }

  /** The stamp of the line that was told last. */
  get last(): string | undefined {
    if (this.#unfinished) return this.#unfinished.stamp;
    const nanos = this.#last?.nanos.at(-1);
    return nanos === undefined ? undefined : stampOf(this.#last?.name ?? '', nanos);
  }

  /** From now on lines that stand before this one in the log are never new. It is the next to be told. */
  keepFrom({ stamp }: StampedLine): void {
    this.#from = own(stamp);
    this.#isFromLine = true;
  }

  /** From now on lines written before that time (RFC 3339) are never new. */
  keepSince(time: string): void {
    this.#from = toStamp(time);
  }

  /** Begins to read a log again, from `since` on or before it. */
  read(): Reading {
    const seen = new Map<string, number>();
    let count = 0;
    for (const { name, nanos } of [this.#older, this.#newest].filter((second) => second !== undefined))
      for (const each of nanos) {
        const stamp = stampOf(name, each);
        seen.set(stamp, (seen.get(stamp) ?? 0) + 1);
        count++;
      }
    const since = this.since;
    // Of the lines with that stamp all that are wanted were told when a later one was.
    const isTold = this.#isFromLine && this.last !== undefined && this.last !== this.#from;
    const from = isTold ? `${this.#from ?? ''}+` : (this.#from ?? '');
    const least = [from, since === undefined ? '' : since.slice(0, 19)].sort().at(-1) ?? '';
    return new Reading({ seen, count, from: least, unfinished: this.#unfinished });
  }

  /** Notes that a line, or a piece of one, was told. */
  tell(line: StampedLine): void {
    const { stamp } = line;
    if (!line.ended) {
      const told = this.#unfinished?.stamp === stamp && line.rest ? this.#unfinished.pieces : 0;
      this.#unfinished = { stamp: own(stamp), pieces: told + 1 };
      return;
    }
    this.#unfinished = undefined;
    const second = this.#second(stamp);
    second.nanos.push(nanosOf(stamp));
    this.#last = second;
  }

  #second(stamp: string): Second {
    if (this.#newest && stamp.startsWith(this.#newest.name)) return this.#newest;
    const name = own(stamp.slice(0, 19));
    if (this.#newest && name < this.#newest.name) {
      if (this.#older?.name !== name && before(this.#newest.name).startsWith(name)) this.#older = { name, nanos: [] };
      // What is older than the second before the newest is never asked for again.
      return this.#older?.name === name ? this.#older : { name, nanos: [] };
    }
    this.#older = this.#newest && before(name).startsWith(this.#newest.name) ? this.#newest : undefined;
    this.#newest = { name, nanos: [] };
    return this.#newest;
  }
}

/** One pass through a log, told apart from what was told before it began. */
export class Reading {
  /** Stamp to the lines that were told with it and have not come by yet. */
  readonly #seen: Map<string, number>;
  readonly #from: string;
  #unfinished: Unfinished | undefined;
  /** How many told lines have not come by yet. */
  #left: number;
  #overlaps = false;
  /** Of the line that is being read: pieces that are still to be left out. */
  #skip = 0;

  constructor(told: Told) {
    this.#seen = told.seen;
    this.#left = told.count;
    this.#from = told.from;
    this.#unfinished = told.unfinished;
  }

  /** Whether a line came by that was told before: then this is the log that was read before. */
  get overlaps(): boolean {
    return this.#overlaps;
  }

  /** Asked once of each line, in order. @returns whether it is to be told. */
  isNew(line: StampedLine): boolean {
    if (!line.rest) this.#skip = line.stamp < this.#from ? Number.POSITIVE_INFINITY : this.#told(line.stamp);
    if (this.#skip === 0) return true;
    this.#skip--;
    return false;
  }

  /** @returns how many pieces of the line that begins were told. */
  #told(stamp: string): number {
    // So it is for nearly every line of a flood, and then nothing is looked up.
    const count = this.#left === 0 ? 0 : (this.#seen.get(stamp) ?? 0);
    if (count > 0) {
      this.#overlaps = true;
      this.#left--;
      if (count === 1) this.#seen.delete(stamp);
      else this.#seen.set(stamp, count - 1);
      return Number.POSITIVE_INFINITY;
    }
    if (this.#unfinished?.stamp !== stamp) return 0;
    this.#overlaps = true;
    const { pieces } = this.#unfinished;
    this.#unfinished = undefined;
    return pieces;
  }
}

/** The lines that were told of one second. A flood has hundreds of thousands: nothing is kept of a line but a number. */
interface Second {
  /** `2026-01-01T00:00:00` */
  readonly name: string;
  readonly nanos: number[];
}

interface Told {
  readonly seen: Map<string, number>;
  readonly count: number;
  readonly from: string;
  readonly unfinished: Unfinished | undefined;
}

interface Unfinished {
  readonly stamp: string;
  readonly pieces: number;
}

/** A copy: a slice of a string keeps the whole string, here all that came with the line, in memory. */
function own(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function nanosOf(stamp: string): number {
  let nanos = 0;
  for (let at = 20; at < 29; at++) nanos = nanos * 10 + stamp.charCodeAt(at) - 0x30;
  return nanos;
}

function stampOf(second: string, nanos: number): string {
  return `${second}.${String(nanos).padStart(9, '0')}Z`;
}

function before(second: string): string {
  return `${new Date(Date.parse(`${second}Z`) - 1000).toISOString().slice(0, 19)}Z`;
}

/** @returns a time (RFC 3339) as stamps have it: in UTC, with nanoseconds. */
export function toStamp(time: string): string {
  return new Date(time).toISOString().replace('Z', '000000Z');
}
