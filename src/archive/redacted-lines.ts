import { LineSplitter } from '../lib/lines.ts';
import type { Redaction } from './redaction.ts';

/** @returns the lines of a text, each with its newline, redacted. A last line without one gets one. */
export async function* redactedLines(
  bytes: AsyncIterable<Buffer>,
  redaction: Redaction,
): AsyncGenerator<string, void, void> {
  const lines = new LineSplitter();
  const pieces = redaction.pieces();
  for await (const chunk of bytes)
    for (const { text, ended } of lines.push(chunk)) yield `${pieces.next(text, ended).masked}${ended ? '\n' : ''}`;
  const last = pieces.next(lines.end()?.text ?? '', true);
  if (last.raw !== '') yield `${last.masked}\n`;
}
