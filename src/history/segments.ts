import { createHash } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { emptyIfGone, undefinedIfGone } from '../lib/if-gone.ts';

/** A file of history: the one that a source is written to, or one that became full. */
export interface Segment {
  /** Absolute. */
  readonly file: string;
  /** Those of one source have the same. */
  readonly stem: string;
  /** When it became full, in a form that sorts as time does; undefined: it is written to. */
  readonly fullAt: string | undefined;
}

export interface Limits {
  readonly segmentBytes: number;
  /** How many files a source may have. */
  readonly segments: number;
  /** Of all files together. */
  readonly totalBytes: number;
}

const fullForm = /^(.+?)\.(\d{8}T\d{9}Z)-\d+\.log$/;
const longestStem = 100;

/** @returns the name of the file that a source is written to: of characters that every file system takes. */
export function fileNameOf(source: string): string {
  const safe = encodeURIComponent(source).replaceAll(/[*'()!~]|^\./g, toPercent);
  // What differs only behind the cut, or in its capitals on some file systems, shares a file: each batch names its source.
  const stem =
    safe.length <= longestStem
      ? safe
      : `${safe.slice(0, longestStem)}-${createHash('sha256').update(source).digest('hex').slice(0, 8)}`;
  return `${stem}.log`;
}

/** @returns the files of a history, those of one source in the order in which they were written; none where there is none. */
export async function listSegments(folder: string): Promise<readonly Segment[]> {
  const names = (await readdir(folder).catch(emptyIfGone)).filter((name) => name.endsWith('.log'));
  const segments = names.map((name) => {
    const [, stem = name.slice(0, -'.log'.length), fullAt] = fullForm.exec(name) ?? [];
    return { file: join(folder, name), stem, fullAt };
  });
  return segments.sort((a, b) => compare(a.stem, b.stem) || compare(a.fullAt ?? '~', b.fullAt ?? '~'));
}

/** @returns a time as the names of full files have it. */
export function segmentTime(time: Date): string {
  return time.toISOString().replaceAll(/[-:.]/g, '');
}

/** Puts a file that is full aside, and removes what is too much, the oldest first. */
export async function rotate(folder: string, name: string, limits: Limits, now: Date): Promise<void> {
  const stem = name.slice(0, -'.log'.length);
  const isMine = (segment: Segment) => segment.stem === stem && segment.fullAt !== undefined;
  const last = (await listSegments(folder)).findLast(isMine)?.fullAt;
  const aside = join(folder, `${stem}.${timeBehind(last, now)}-${process.pid}.log`);
  // Another session may have put it aside a moment ago.
  await rename(join(folder, name), aside).catch(undefinedIfGone);
  const segments = await listSegments(folder);
  const mine = segments.filter(isMine);
  const outdated = mine.slice(0, Math.max(0, mine.length + 1 - limits.segments));
  for (const { file } of outdated) await rm(file, { force: true });
  await limitTotal(
    segments.filter((segment) => !outdated.includes(segment)),
    limits.totalBytes,
  );
}

/**
 * A file that became full in the millisecond of the last one must not replace it, and one that did so after the clock was
 * set back must not be taken for an older one.
 */
function timeBehind(last: string | undefined, now: Date): string {
  const time = segmentTime(now);
  return last === undefined || last < time ? time : segmentTime(new Date(readSegmentTime(last) + 1));
}

function readSegmentTime(time: string): number {
  return Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)(...)Z$/, '$1-$2-$3T$4:$5:$6.$7Z'));
}

async function limitTotal(segments: readonly Segment[], totalBytes: number): Promise<void> {
  const files = [];
  for (const { file } of segments) {
    const stats = await stat(file).catch(undefinedIfGone);
    if (stats) files.push({ file, size: stats.size, at: stats.mtimeMs });
  }
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { file, size } of files.sort((a, b) => a.at - b.at)) {
    if (total <= totalBytes) return;
    await rm(file, { force: true });
    total -= size;
  }
}

function toPercent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
