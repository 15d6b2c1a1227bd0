import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LogReport } from '../events.ts';
import { undefinedIfGone } from '../lib/if-gone.ts';
import { appendWhole } from './append-whole.ts';
import { type Batch, Batches } from './batches.ts';
import { cutMark, writeEntry, writeMark } from './entry.ts';
import { inFolder } from './in-folder.ts';
import { fileNameOf, type Limits, rotate } from './segments.ts';

const usualLimits: Limits = { segmentBytes: 5_000_000, segments: 10, totalBytes: 500_000_000 };

export interface LogHistoryOptions {
  /** `.stormctl/logs`: made when there is something to write, and again when somebody deleted it. */
  readonly folder: string;
  /** Called once, with the first thing that went wrong; the writing goes on as far as it can. */
  readonly onProblem: (error: unknown) => void;
  readonly limits?: Limits;
}

/**
 * Writes log lines into a file a source, rotated, for what scrolled away. Several sessions may write to one folder. Nothing
 * that goes wrong there reaches who takes part in the session: see `Batches`.
 */
export class LogHistory implements AsyncDisposable {
  readonly #folder: string;
  readonly #limits: Limits;
  readonly #session = randomBytes(4).toString('hex');
  readonly #batches: Batches;

  constructor({ folder, onProblem, limits = usualLimits }: LogHistoryOptions) {
    this.#folder = folder;
    this.#limits = limits;
    this.#batches = new Batches((source, batch) => this.#write(source, batch), onProblem);
  }

  take(log: LogReport): void {
    this.#batches.add(log.source, writeEntry(log));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#batches[Symbol.asyncDispose]();
  }

  async #write(source: string, { text, lost }: Batch): Promise<void> {
    const name = fileNameOf(source);
    const lines = writeMark({ session: this.#session, source, lost }) + text;
    const file = join(this.#folder, name);
    const stats = await stat(file).catch(undefinedIfGone);
    // Before it is written to: one that can't be put aside must not grow for ever.
    if (stats && stats.size >= this.#limits.segmentBytes) await rotate(this.#folder, name, this.#limits, new Date());
    await inFolder(dirname(this.#folder), this.#folder, () => appendWhole(file, lines, `${cutMark}\n`));
  }
}
