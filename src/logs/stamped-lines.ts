import { LineSplitter } from '../lib/lines.ts';
import type { Line } from '../lib/lines.ts';

/** A line of a container, or a piece of a very long one, with the time that the node's runtime wrote before it. */
export interface StampedLine extends Line {
  /** RFC 3339 in UTC with nine decimals, so that comparing strings compares times. */
  readonly stamp: string;
}

/** Reads a log that was asked for with `timestamps=true`. */
export class StampedLines {
  readonly #lines = new LineSplitter();
  #stamp = '';
  #message: string | undefined;
  #newest: string | undefined;

  /** What the kubelet said in place of lines: a line without a stamp is its own word about the log. Nothing follows it. */
  get message(): string | undefined {
    return this.#message;
  }

  /** The stamp of the last line that came, though it may be unfinished. */
  get newest(): string | undefined {
    const { pending } = this.#lines;
    return (pending === '' ? undefined : stampOf(pending)) ?? this.#newest;
  }

  /** @returns what the bytes complete, in order, up to a message. */
  push(bytes: Buffer): readonly StampedLine[] {
    const stamped: StampedLine[] = [];
    for (const line of this.#lines.push(bytes)) {
      if (this.#message !== undefined) break;
      const read = this.#read(line);
      if (read) stamped.push(read);
      else this.#message = line.text;
    }
    const last = stamped.at(-1);
    // A copy: a slice would keep all the bytes in memory that came with the line.
    if (last) this.#newest = Buffer.from(last.stamp, 'latin1').toString('latin1');
    return stamped;
  }

  /** @returns the unfinished line at the end; undefined when there is none, or none whose stamp is whole. */
  end(): StampedLine | undefined {
    const tail = this.#lines.end();
    const read = tail && this.#read(tail);
    // Some of what the kubelet says has no newline; the beginning of a stamp, which a cut leaves, is nothing that it says.
    if (tail && !read && !/^\d/.test(tail.text)) this.#message ??= tail.text;
    return read;
  }

  #read({ text, rest, ended }: Line): StampedLine | undefined {
    if (rest) return { text, rest, ended, stamp: this.#stamp };
    const stamp = stampOf(text);
    if (stamp === undefined) return undefined;
    // Only the pieces of a line that was cut need it.
    if (!ended) this.#stamp = stamp;
    return { text: text.slice(text.indexOf(' ') + 1), rest, ended, stamp };
  }
}

/** @returns the stamp that a line begins with; undefined: it has none. */
function stampOf(line: string): string | undefined {
  return isUsual(line) ? line.slice(0, usualLength) : toUtc(line.slice(0, Math.max(0, line.indexOf(' '))));
}

const usualLength = '2026-01-01T00:00:00.000000001Z'.length;

/** Whether a line begins with a stamp as nearly all have it, told by its marks: it is asked of every line. */
function isUsual(line: string): boolean {
  return (
    line.charCodeAt(usualLength) === 0x20 &&
    line.charCodeAt(29) === 0x5a &&
    line.charCodeAt(19) === 0x2e &&
    line.charCodeAt(16) === 0x3a &&
    line.charCodeAt(13) === 0x3a &&
    line.charCodeAt(10) === 0x54 &&
    line.charCodeAt(7) === 0x2d
  );
}

const stampForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** The kubelet writes the offset of the node's zone, and leaves out zeros at the end on some versions. */
function toUtc(stamp: string): string | undefined {
  const [, seconds, fraction = '', zone] = stampForm.exec(stamp) ?? [];
  if (seconds === undefined || zone === undefined) return undefined;
  const utc = zone === 'Z' ? seconds : new Date(`${seconds}${zone}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.padEnd(9, '0')}Z`;
}
