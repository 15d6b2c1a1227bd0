import { LineSplitter } from '../lib/lines.ts';
import type { Line } from '../lib/lines.ts';

/** A line of a container, or a piece of a very long one, with the time that the node's runtime wrote before it. */
export interface StampedLine extends Line {
  /** RFC 3339 in UTC with nine decimals, so that comparing strings compares times. */
  readonly stamp: string;
}

/** A line without a stamp is the kubelet's own word about the log, not the container's. */
export class KubeletMessage extends Error {
  override readonly name = 'KubeletMessage';
}

/** Reads a log that was asked for with `timestamps=true`. */
export class StampedLines {
  readonly #lines = new LineSplitter();
  #stamp = '';

  /** @throws KubeletMessage at a line without a stamp. */
  *push(bytes: Buffer): Generator<StampedLine, void, void> {
    for (const line of this.#lines.push(bytes)) yield this.#read(line);
  }

  /** @returns the unfinished line at the end; undefined when there is none, or none whose stamp is whole. */
  end(): StampedLine | undefined {
    const tail = this.#lines.end();
    return tail && (tail.rest || splitStamp(tail.text)) ? this.#read(tail) : undefined;
  }

  #read(line: Line): StampedLine {
    if (line.rest) return { ...line, stamp: this.#stamp };
    const found = splitStamp(line.text);
    if (!found) throw new KubeletMessage(line.text);
    this.#stamp = found.stamp;
    return { ...line, ...found };
  }
}

const stampForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

function splitStamp(line: string): { readonly stamp: string; readonly text: string } | undefined {
  const space = line.indexOf(' ');
  if (space < 0) return undefined;
  const stamp = toUtc(line.slice(0, space));
  return stamp === undefined ? undefined : { stamp, text: line.slice(space + 1) };
}

/** The kubelet writes the offset of the node's zone, and leaves out zeros at the end on some versions. */
function toUtc(stamp: string): string | undefined {
  const [, seconds, fraction = '', zone] = stampForm.exec(stamp) ?? [];
  if (seconds === undefined || zone === undefined) return undefined;
  const utc = zone === 'Z' ? seconds : new Date(`${seconds}${zone}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.padEnd(9, '0')}Z`;
}
