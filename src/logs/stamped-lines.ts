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

  /** Calls `take` for each line that the bytes complete. @throws KubeletMessage at a line without a stamp. */
  push(bytes: Buffer): readonly StampedLine[] {
    return this.#lines.push(bytes).map((line) => this.#read(line));
  }

  /** @returns the unfinished line at the end; undefined when there is none, or none whose stamp is whole. */
  end(): StampedLine | undefined {
    const tail = this.#lines.end();
    return tail && (tail.rest || splitStamp(tail.text)) ? this.#read(tail) : undefined;
  }
}
