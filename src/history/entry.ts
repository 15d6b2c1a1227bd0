import type { LogReport } from '../events.ts';

/** What a batch of one session begins with, so that lines of several sessions can be told apart. */
export interface Mark {
  readonly session: string;
  readonly source: string;
  /** Lines that could not be written before it. */
  readonly lost: number;
}

/** A line as it is kept: readable, and quick to write and to read. */
export interface Entry {
  readonly stamp: string;
  /** Namespace, pod, container and, of an init container, `init`, joined by slashes. */
  readonly origin: string;
  readonly text: string;
}

/** Behind a line that is not whole. */
export const cutMark = '# cut';
const markSign = '# ';
const stampForm = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

export function writeMark({ session, source, lost }: Mark): string {
  return `${markSign}${JSON.stringify({ session, source, ...(lost > 0 && { lost }) })}\n`;
}

/** @returns the line of a file, with its newline. */
export function writeEntry({ stamp, namespace, pod, container, init, line }: LogReport): string {
  return `${stamp} ${namespace}/${pod}/${container}${init ? '/init' : ''} ${line}\n`;
}

/** @returns undefined for what a crash has cut off, and for what is no line of ours. */
export function readLine(line: string): Mark | Entry | undefined {
  if (line.startsWith(markSign)) return readMark(line.slice(markSign.length));
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  if (first < 0 || second < 0) return undefined;
  const stamp = line.slice(0, first);
  const origin = line.slice(first + 1, second);
  if (!stampForm.test(stamp) || !origin.includes('/')) return undefined;
  return { stamp, origin, text: line.slice(second + 1) };
}

function readMark(json: string): Mark | undefined {
  try {
    const value = JSON.parse(json) as Partial<Record<keyof Mark, unknown>> | null;
    const { session, source, lost = 0 } = value ?? {};
    if (typeof session !== 'string' || typeof source !== 'string' || typeof lost !== 'number') return undefined;
    return { session, source, lost };
  } catch {
    return undefined;
  }
}

/** @returns the report that an entry was written from. */
export function toReport(source: string, { stamp, origin, text }: Entry): LogReport {
  const [namespace = '', pod = '', container = '', role] = origin.split('/');
  return { type: 'log', source, namespace, pod, container, ...(role === 'init' && { init: true }), stamp, line: text };
}
