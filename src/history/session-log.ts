import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../events.ts';
import { undefinedIfGone } from '../lib/if-gone.ts';
import { appendWhole } from './append-whole.ts';
import { Batches } from './batches.ts';
import { inFolder } from './in-folder.ts';

/** The file, and what it becomes once it is full: the newest of a long session is what tells most. */
export const sessionLogNames = ['last-session.1.jsonl', 'last-session.jsonl'] as const;
const [olderName, newestName] = sessionLogNames;
const usualFullBytes = 5_000_000;

export interface SessionLogOptions {
  /** `.stormctl` */
  readonly folder: string;
  readonly onProblem: (error: unknown) => void;
  readonly fullBytes?: number;
}

/** Writes the reports of a session, but for log lines, as JSON lines, in place of those of the session before. */
export class SessionLog implements AsyncDisposable {
  readonly #options: SessionLogOptions;
  readonly #batches: Batches;
  #isBegun = false;

  constructor(options: SessionLogOptions) {
    this.#options = options;
    this.#batches = new Batches((name, { text }) => this.#write(name, text), options.onProblem);
  }

  take(report: Report, now: Date): void {
    this.#batches.add(newestName, `${JSON.stringify({ time: now.toISOString(), ...report })}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#batches[Symbol.asyncDispose]();
  }

  async #write(name: string, text: string): Promise<void> {
    const { folder, fullBytes = usualFullBytes } = this.#options;
    const file = join(folder, name);
    if (!this.#isBegun) for (const each of sessionLogNames) await rm(join(folder, each), { force: true });
    this.#isBegun = true;
    const stats = await stat(file).catch(undefinedIfGone);
    if (stats && stats.size >= fullBytes) await rename(file, join(folder, olderName));
    await inFolder(folder, folder, () => appendWhole(file, text));
  }
}
