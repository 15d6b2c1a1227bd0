import { run } from '../lib/process.ts';
import type { ProcessOptions, ProcessResult } from '../lib/process.ts';

/** @returns however a program ended; undefined when there is none of that name. @throws AbortError. */
export async function runRenderer(
  program: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<ProcessResult | undefined> {
  try {
    return await run(program, args, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns the first line of what a renderer said, for a message. */
export function summaryOf(words: string): string {
  const [line = ''] = words.split('\n');
  return line.replace(/^error: /i, '') || 'it says nothing';
}
