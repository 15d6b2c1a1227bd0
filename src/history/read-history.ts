import { type FileHandle, open } from 'node:fs/promises';
import type { LogReport } from '../events.ts';
import { undefinedIfGone } from '../lib/if-gone.ts';
import { cutMark, readLine, toReport } from './entry.ts';
import { listSegments, type Segment, segmentTime } from './segments.ts';
import { ToldLines } from './told-lines.ts';

/** Clocks of nodes and of this machine differ. */
const marginMs = 10 * 60_000;

export interface HistoryQuery {
  /** Lines that are not of interest are not counted for `tail` either. */
  readonly wants: (line: LogReport) => boolean;
  /** RFC 3339 in UTC; undefined: from the first line. */
  readonly since: string | undefined;
  /** The last lines of each container; undefined: all. */
  readonly tail: number | undefined;
}

/** What is kept of the logs, each line once. Dispose it to close its files. */
export interface History extends AsyncDisposable {
  /** All that have lines, wanted or not. */
  readonly sources: readonly string[];
  /** The stamps of the first and the last line that is wanted; undefined: there is none. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Lines that could not be written when they came. */
  readonly lost: number;
  /** Merged by time. It holds a few files in memory at a time, however many there are. */
  lines(): AsyncGenerator<LogReport, void, void>;
}

/** Reads a history that may be written to meanwhile: what comes from now on is not in it. @throws what the file system says. */
export async function openHistory(folder: string, query: HistoryQuery): Promise<History> {
  const opened: Opened[] = [];
  const dispose = async () => {
    await Promise.all(opened.map(({ handle }) => handle.close()));
  };
  try {
    const scan = new Scan(query);
    let told = new ToldLines();
    let stem = '';
    for (const segment of await listSegments(folder)) {
      if (isBefore(segment, query.since)) continue;
      if (segment.stem !== stem) told = new ToldLines();
      stem = segment.stem;
      const handle = await open(segment.file, 'r').catch(undefinedIfGone);
      if (!handle) continue;
      opened.push(await scan.read(handle, told));
    }
    return { ...scan.facts(), lines: () => merge(opened, scan), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Opened {
  readonly handle: FileHandle;
  /** Of what is read: a file may grow. */
  readonly size: number;
  /** By line, whether it is told. */
  readonly told: Uint8Array;
  /** The first stamp that is told. */
  readonly from: string | undefined;
}

/** The first pass: what there is. It keeps a byte for each line and the texts of none. */
class Scan {
  readonly #query: HistoryQuery;
  /** By source and container, the lines that are wanted. */
  readonly #counts = new Map<string, number>();
  readonly #sources = new Set<string>();
  #from: string | undefined;
  #to: string | undefined;
  #lost = 0;

  constructor(query: HistoryQuery) {
    this.#query = query;
  }

  async read(handle: FileHandle, told: ToldLines): Promise<Opened> {
    const { size } = await handle.stat();
    const lines = await readLines(handle, size);
    const isTold = new Uint8Array(lines.length);
    let from: string | undefined;
    let session = '';
    let source = '';
    for (const [index, line] of lines.entries()) {
      const read = readLine(line);
      if (!read) continue;
      if ('session' in read) {
        ({ session, source } = read);
        this.#sources.add(source);
        this.#lost += read.lost;
      } else if (told.isNew(session, read.origin, read.stamp)) {
        const report = toReport(source, read);
        if (!this.#isWanted(report)) continue;
        isTold[index] = 1;
        if (from === undefined || read.stamp < from) from = read.stamp;
        this.#count(report);
      }
    }
    return { handle, size, told: isTold, from };
  }

  facts(): Pick<History, 'sources' | 'from' | 'to' | 'lost'> {
    return { sources: [...this.#sources].sort(), from: this.#from, to: this.#to, lost: this.#lost };
  }

  /** @returns a function that says of each line, in the order in which they are told, whether it is among the last ones. */
  lastOnes(): (line: LogReport) => boolean {
    const { tail } = this.#query;
    if (tail === undefined) return () => true;
    const left = new Map(this.#counts);
    return (line) => {
      const key = keyOf(line);
      const count = left.get(key) ?? 0;
      left.set(key, count - 1);
      return count <= tail;
    };
  }

  #isWanted(line: LogReport): boolean {
    const { since, wants } = this.#query;
    return (since === undefined || line.stamp >= since) && wants(line);
  }

  #count(line: LogReport): void {
    const { stamp } = line;
    const key = keyOf(line);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (this.#from === undefined || stamp < this.#from) this.#from = stamp;
    if (this.#to === undefined || stamp > this.#to) this.#to = stamp;
  }
}

/** The second pass. A file is read when its first line's turn comes, and forgotten when its last one was told. */
async function* merge(segments: readonly Opened[], scan: Scan): AsyncGenerator<LogReport, void, void> {
  const isLast = scan.lastOnes();
  const waiting = segments
    .filter(({ from }) => from !== undefined)
    .sort((a, b) => ((a.from ?? '') < (b.from ?? '') ? -1 : 1));
  const open: Cursor[] = [];
  for (;;) {
    let first = earliest(open);
    for (let next = waiting[0]; next && !(first && first.stamp < (next.from ?? '')); next = waiting[0]) {
      waiting.shift();
      open.push(new Cursor(await sortedLines(next)));
      first = earliest(open);
    }
    if (!first) return;
    const line = first.take();
    if (first.isDone) open.splice(open.indexOf(first), 1);
    if (isLast(line)) yield line;
  }
}

class Cursor {
  readonly #lines: readonly LogReport[];
  #next = 0;

  constructor(lines: readonly LogReport[]) {
    this.#lines = lines;
  }

  get stamp(): string {
    return this.#lines[this.#next]?.stamp ?? '';
  }

  get isDone(): boolean {
    return this.#next >= this.#lines.length;
  }

  take(): LogReport {
    const line = this.#lines[this.#next++];
    if (!line) throw new RangeError('no more lines');
    return line;
  }
}

function earliest(cursors: readonly Cursor[]): Cursor | undefined {
  let first: Cursor | undefined;
  for (const cursor of cursors) if (!first || cursor.stamp < first.stamp) first = cursor;
  return first;
}

async function sortedLines({ handle, size, told }: Opened): Promise<readonly LogReport[]> {
  const lines: LogReport[] = [];
  let source = '';
  for (const [index, line] of (await readLines(handle, size)).entries()) {
    const read = told[index] === 1 || line.startsWith('#') ? readLine(line) : undefined;
    if (!read) continue;
    if ('session' in read) source = read.source;
    else lines.push(toReport(source, read));
  }
  return lines.sort((a, b) => (a.stamp < b.stamp ? -1 : Number(a.stamp > b.stamp)));
}

async function readLines(handle: FileHandle, size: number): Promise<readonly string[]> {
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await handle.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  const lines = bytes.toString('utf8', 0, length).split('\n');
  // What is behind the last newline is being written, or was cut off.
  lines.pop();
  return lines.map((line, index) => (lines[index + 1] === cutMark ? '' : line));
}

/** A file holds what was written until it became full. */
function isBefore({ fullAt }: Segment, since: string | undefined): boolean {
  if (fullAt === undefined || since === undefined) return false;
  return fullAt < segmentTime(new Date(Date.parse(since) - marginMs));
}

function keyOf({ source, namespace, pod, container }: LogReport): string {
  return `${source}/${namespace}/${pod}/${container}`;
}
