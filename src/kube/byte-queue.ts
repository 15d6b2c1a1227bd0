import { Channel } from '../lib/channel.ts';

/**
 * Bytes that wait for their one reader. `unread` is for whoever fills it to stop at; once the reader has left, what
 * comes is dropped. After `close` the reader gets what is left, then the end; after `fail` what is left, then the error.
 */
export class ByteQueue implements AsyncIterable<Buffer> {
  readonly #channel = new Channel<Buffer>();
  readonly #onTaken: () => void;
  #unread = 0;
  #left = false;

  /** @param onTaken called whenever `unread` has become less. */
  constructor(onTaken: () => void) {
    this.#onTaken = onTaken;
  }

  get unread(): number {
    return this.#unread;
  }

  push(bytes: Buffer): void {
    if (this.#left || bytes.length === 0) return;
    this.#unread += bytes.length;
    this.#channel.push(bytes);
  }

  close(): void {
    this.#channel.close();
  }

  fail(error: Error): void {
    this.#channel.fail(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    try {
      for await (const bytes of this.#channel) {
        this.#unread -= bytes.length;
        this.#onTaken();
        yield bytes;
      }
    } finally {
      this.#left = true;
      this.#unread = 0;
      this.#onTaken();
    }
  }
}
