import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import { abortError } from '../lib/abort.ts';

export interface Asking {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Where the question goes. */
  readonly output: Writable & { readonly isTTY?: boolean };
  readonly question: string;
  readonly signal: AbortSignal;
}

/** Whether a person sits there who sees a question and can answer it. */
export function canAsk({ stdin, output }: Pick<Asking, 'stdin' | 'output'>): boolean {
  return stdin.isTTY === true && output.isTTY === true;
}

/** @returns the line that is typed, or nothing when the input ends. @throws AbortError. */
export async function askLine({ stdin, output, question, signal }: Asking): Promise<string> {
  if (signal.aborted) throw abortError(signal);
  // Not as a terminal: that would put it into raw mode, and Ctrl+C would be a key and not the signal that it is elsewhere.
  const lines = createInterface({ input: stdin, output, terminal: false });
  let abort = () => {};
  try {
    return await new Promise<string>((resolve, reject) => {
      abort = () => reject(abortError(signal));
      signal.addEventListener('abort', abort, { once: true });
      lines.once('line', resolve);
      lines.once('close', () => resolve(''));
      output.write(question);
    });
  } finally {
    signal.removeEventListener('abort', abort);
    lines.close();
  }
}
