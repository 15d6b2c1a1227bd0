import type { Readable } from 'node:stream';
import { type Key, KeyParser } from './key-parser.ts';

export type KeyboardStream = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

/** An escape that nothing follows for this long was pressed. */
const escapeMs = 50;

/** The keys of a terminal, one by one as they are pressed: it is in raw mode from `open` to `close`. */
export class Keyboard {
  readonly #stdin: KeyboardStream;
  readonly #onKey: (key: Key) => void;
  readonly #parser = new KeyParser();
  readonly #onData = (chunk: Buffer) => this.#read(chunk);
  #escape: NodeJS.Timeout | undefined;

  constructor(stdin: KeyboardStream, onKey: (key: Key) => void) {
    this.#stdin = stdin;
    this.#onKey = onKey;
    // A window that is closed says EIO; that is what SIGHUP is for.
    stdin.on('error', () => {});
  }

  open(): void {
    this.#stdin.setRawMode?.(true);
    this.#stdin.on('data', this.#onData);
    this.#stdin.resume();
  }

  close(): void {
    clearTimeout(this.#escape);
    this.#stdin.off('data', this.#onData);
    this.#stdin.pause();
    this.#stdin.setRawMode?.(false);
  }

  #read(chunk: Buffer): void {
    clearTimeout(this.#escape);
    for (const key of this.#parser.feed(chunk)) this.#onKey(key);
    if (this.#parser.waits)
      this.#escape = setTimeout(() => {
        for (const key of this.#parser.flush()) this.#onKey(key);
      }, escapeMs);
  }
}
