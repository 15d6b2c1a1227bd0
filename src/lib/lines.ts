import { StringDecoder } from 'node:string_decoder';

/** A line, or a piece of one that is longer than the cap. */
export interface Line {
  /** Without its `\n` or `\r\n`. */
  readonly text: string;
  /** It continues the piece before it. */
  readonly rest: boolean;
  /** Its newline was read; false: more of it may follow. */
  readonly ended: boolean;
}

const carriageReturn = 0x0d;

/**
 * Cuts a stream of UTF-8 bytes into lines, wherever the chunks break: inside a character, or between `\r` and `\n`.
 * A line longer than `cap` (UTF-16 units) comes in pieces, so that one endless line can't fill the memory; where it is
 * cut depends on the line alone and not on the chunks. Bytes that are no UTF-8 become U+FFFD.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #cap: number;
  #pending = '';
  #rest = false;

  constructor(cap = 1024 * 1024) {
    this.#cap = cap;
  }

  /** The unfinished line, or the piece of it that was not given yet. */
  get pending(): string {
    return this.#pending;
  }

  /** @returns what the bytes complete, in order. */
  push(bytes: Buffer): readonly Line[] {
    const lines: Line[] = [];
    const text = this.#decoder.write(bytes);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      if (this.#pending === '' && !this.#rest && end - start <= this.#cap) {
        const last = end > start && text.charCodeAt(end - 1) === carriageReturn ? end - 1 : end;
        lines.push({ text: text.slice(start, last), rest: false, ended: true });
      } else {
        this.#pending += text.slice(start, end);
        this.#cut(lines);
        this.#finish(lines);
      }
      start = end + 1;
    }
    this.#pending += text.slice(start);
    this.#cut(lines);
    return lines;
  }

  /** @returns the unfinished line at the end of the stream, if there is one. */
  end(): Line | undefined {
    const text = this.#pending + this.#decoder.end();
    this.#pending = '';
    return text === '' ? undefined : { text, rest: this.#rest, ended: false };
  }

  #cut(lines: Line[]): void {
    while (this.#pending.length > this.#cap) {
      const last = this.#pending.charCodeAt(this.#cap - 1);
      const splitsPair = last >= 0xd800 && last < 0xdc00;
      const at = splitsPair ? this.#cap + 1 : this.#cap;
      if (at >= this.#pending.length && splitsPair) return;
      lines.push({ text: this.#pending.slice(0, at), rest: this.#rest, ended: false });
      this.#pending = this.#pending.slice(at);
      this.#rest = true;
    }
  }

  #finish(lines: Line[]): void {
    const text = this.#pending.endsWith('\r') ? this.#pending.slice(0, -1) : this.#pending;
    lines.push({ text, rest: this.#rest, ended: true });
    this.#pending = '';
    this.#rest = false;
  }
}
