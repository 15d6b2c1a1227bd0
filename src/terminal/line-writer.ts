import type { Writable } from 'node:stream';
import type { Drained } from '../events.ts';

/** UTF-16 units that are gathered at most before they are written. */
const mostGathered = 64 * 1024;
/** Bytes that may wait in the stream while more are read: a reader that keeps up never makes anybody wait. */
const mostWaiting = 512 * 1024;

/** Writes lines to a stream: those of one turn of the event loop in one write, so that a flood of them costs few. */
export class LineWriter {
  /** See {@link Drained}; whatever else is written to the stream counts too. */
  readonly drained: Drained;
  readonly #stream: Writable;
  readonly #waiting: number;
  #lines: string[] = [];
  #length = 0;
  #pending: NodeJS.Immediate | undefined;
  #draining: Promise<void> | undefined;

  constructor(stream: Writable, waiting = mostWaiting) {
    this.#stream = stream;
    this.#waiting = waiting;
    this.drained = () => this.#drained();
  }

  print(line: string): void {
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#length >= mostGathered) this.flush();
    else this.#pending ??= setImmediate(() => this.flush());
  }

  /** Writes what was gathered, before something else is written or the process ends. */
  flush(): void {
    clearImmediate(this.#pending);
    this.#pending = undefined;
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#length = 0;
    this.#stream.write(`${lines.join('\n')}\n`);
  }

  #drained(): Promise<void> | undefined {
    const stream = this.#stream;
    if (!stream.writableNeedDrain || stream.writableLength < this.#waiting) return undefined;
    this.#draining ??= new Promise<void>((resolve) => {
      const events = ['drain', 'error', 'close'];
      const done = () => {
        for (const event of events) stream.off(event, done);
        this.#draining = undefined;
        resolve();
      };
      for (const event of events) stream.on(event, done);
    });
    return this.#draining;
  }
}
