import { isAbort } from '../errors.ts';
import { ApiError } from '../kube/kube.ts';
import { isOutage } from '../kube/outage.ts';
import type { Kube, LogRequest } from '../kube/kube.ts';
import { passingOf } from '../kube/passing.ts';
import { backoff, wait } from '../lib/wait.ts';
import { Position, type Reading } from './position.ts';
import { StampedLines } from './stamped-lines.ts';
import type { StampedLine } from './stamped-lines.ts';

/** How long a log that breaks off is asked for again before it counts as lost; what comes of it begins the time anew. */
export interface Patience {
  /** Where the cluster can't be reached. */
  readonly unreachedMs: number;
  /** Where it answers that it can't say: a node that is gone may stay so. */
  readonly refusedMs: number;
}

export interface LogReaderOptions {
  readonly kube: Kube;
  /** Of a log that is not followed. */
  readonly request: LogRequest;
  /** Lines between two stamps may be missing; without `to` none came any more. */
  readonly onGap: (from: string, to: string | undefined) => void;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** So much is read before the lines are handed on: most logs that are read once end within it. */
const pieceBytes = 64 * 1024;

/**
 * Reads what a log has, each line once, whatever happens to the connections: after a cut it goes on behind the last line.
 * So it can let go of its connection between two pieces, too.
 */
export class LogReader implements AsyncDisposable {
  readonly #options: LogReaderOptions;
  readonly #position = new Position();
  readonly #delays = backoff(100, 5000);
  #bytes: AsyncIterator<Buffer> | undefined;
  #lines = new StampedLines();
  #reading: Reading;
  /** The log was read before, and no line of it that was read then has come by yet. */
  #isResumed = false;
  #broken: { readonly error: unknown } | undefined;
  #brokeAt: number | undefined;
  #isOver = false;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    const { sinceTime } = options.request;
    if (sinceTime !== undefined) this.#position.keepSince(sinceTime);
    this.#reading = this.#position.read();
  }

  /** A connection is open. */
  get isOpen(): boolean {
    return this.#bytes !== undefined;
  }

  /**
   * @returns the lines that come next; none: the log is over, or the node has no such log.
   * @throws an ApiError, or Failure `unreachable`, when patience is at its end; AbortError.
   */
  async next(): Promise<readonly StampedLine[]> {
    const lines: StampedLine[] = [];
    let bytes = 0;
    while (!this.#isOver && (lines.length === 0 || bytes < pieceBytes)) {
      try {
        if (this.#broken) await this.#outlast(this.#broken.error);
        if (this.#isOver) break;
        const chunk = await this.#chunk();
        bytes += chunk?.length ?? 0;
        for (const line of chunk ? this.#take(this.#lines.push(chunk)) : this.#finish()) lines.push(line);
        // The node has no log, or none any more, and says so.
        if (this.#lines.message !== undefined) await this.#end();
      } catch (error) {
        if (isAbort(error) || this.#broken) throw error;
        this.#broken = { error };
        // What came is handed on before anybody waits, or gives up.
        if (lines.length > 0) return lines;
      }
    }
    return lines;
  }

  /** Closes the connection; the next piece is read from another one. */
  async park(): Promise<void> {
    const bytes = this.#bytes;
    if (!bytes) return;
    this.#resume();
    await bytes.return?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.park();
  }

  async #chunk(): Promise<Buffer | undefined> {
    this.#bytes ??= this.#open();
    const next = await this.#bytes.next();
    return next.done ? undefined : next.value;
  }

  #open(): AsyncIterator<Buffer> {
    const { kube, request, signal } = this.#options;
    const { tailLines: _, ...whole } = request;
    const since = this.#position.since;
    const asked = since === undefined ? request : { ...whole, sinceTime: since };
    return kube.logs({ ...asked, timestamps: true }, signal)[Symbol.asyncIterator]();
  }

  /** @returns those of the lines that did not come before. */
  #take(lines: readonly StampedLine[]): readonly StampedLine[] {
    return lines.filter((line) => {
      if (!this.#reading.isNew(line)) return false;
      this.#lookForGap(line.stamp);
      // Of the last lines of a log the first one says where they begin.
      if (this.#position.empty && this.#options.request.tailLines !== undefined) this.#position.keepFrom(line);
      this.#position.tell(line);
      this.#brokeAt = undefined;
      this.#delays.reset();
      return true;
    });
  }

  /** The last line may have no end. */
  #finish(): readonly StampedLine[] {
    const tail = this.#lines.end();
    const lines = tail ? this.#take([{ ...tail, ended: true }]) : [];
    this.#lookForGap(undefined);
    this.#isOver = true;
    this.#bytes = undefined;
    return lines;
  }

  #lookForGap(to: string | undefined): void {
    const from = this.#position.last;
    if (this.#isResumed && !this.#reading.overlaps && from !== undefined) this.#options.onGap(from, to);
    this.#isResumed = false;
  }

  async #end(): Promise<void> {
    if (!this.#isOver) this.#lookForGap(undefined);
    this.#isOver = true;
    const bytes = this.#bytes;
    this.#bytes = undefined;
    await bytes?.return?.();
  }

  /** Waits until the log may be asked for again. @throws the error when that is of no use. */
  async #outlast(error: unknown): Promise<void> {
    const { patience, signal } = this.#options;
    this.#resume();
    if (error instanceof ApiError && [400, 404].includes(error.status)) return this.#end();
    const ms = error instanceof ApiError ? patience.refusedMs : patience.unreachedMs;
    this.#brokeAt ??= performance.now();
    if (!canPass(error) || performance.now() - this.#brokeAt >= ms) throw error;
    await wait(this.#delays.next(), signal);
    this.#broken = undefined;
  }

  #resume(): void {
    this.#bytes = undefined;
    this.#lines = new StampedLines();
    this.#reading = this.#position.read();
    this.#isResumed = !this.#position.empty;
  }
}

function canPass(error: unknown): boolean {
  if (error instanceof ApiError) return passingOf(error) !== undefined;
  return isOutage(error);
}
