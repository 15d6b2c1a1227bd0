import { createHash } from 'node:crypto';
import { constants, createReadStream, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { lstatIfThere } from './stat-if-there.ts';
import { isGone } from '../lib/if-gone.ts';

/** What is known of a file since it was last looked at. */
export interface FileStamp {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
  /** Type and permission bits. */
  readonly mode: number;
  /** SHA-256 of its bytes, or of where a symbolic link points; undefined until it was needed, and for very large files. */
  readonly hash: string | undefined;
  /** Taken so soon after a write that a second one could leave size and time as they are: only the hash can tell. */
  readonly racy: boolean;
}

/** Timestamps come from the kernel's tick (4 ms) and, on shared folders of virtual machines, from coarser clocks. */
const racyMs = 100;
const hashLimitBytes = 32 * 2 ** 20;
const readAtOnceBytes = 2 ** 20;

/**
 * What is known of a file at the start of a session: its hash only where its time proves nothing.
 *
 * @returns undefined when there is no file.
 */
export async function stampFile(path: string): Promise<FileStamp | undefined> {
  const now = Date.now();
  const stats = statFile(path);
  if (!stats) return undefined;
  return isRacy(stats, now) ? read(path, stats, now) : stampOf(stats, now, undefined);
}

/**
 * Looks again at a file. Where size, time and inode are as before nothing is read; else the bytes decide, with the
 * executable bits: a file that was written with the bytes that it had is the same.
 *
 * @returns the new stamp, whether the file differs from `before`, and whether its executable bits do; undefined when there is
 * no file any more.
 */
export async function restampFile(
  path: string,
  before: FileStamp | undefined,
): Promise<{ readonly stamp: FileStamp; readonly differs: boolean; readonly modeChanged: boolean } | undefined> {
  const now = Date.now();
  const stats = statFile(path);
  if (!stats) return undefined;
  if (before && !before.racy && isUntouched(before, stats))
    return { stamp: before, differs: false, modeChanged: false };
  const stamp = await read(path, stats, now);
  if (!stamp) return undefined;
  const same = before !== undefined && hasSameKind(before, stamp) && hasSameBytes(before, stamp);
  return { stamp, differs: !same, modeChanged: before !== undefined && differInExecutable(before, stamp) };
}

/**
 * Adds the hash of a file's bytes to a stamp that has none, where the file is still as it was then and of ordinary size.
 * Reads at once, so that nothing else happens between.
 */
export function completeStamp(path: string, stamp: FileStamp): FileStamp {
  const isDue = stamp.hash === undefined && !stamp.racy && stamp.size <= readAtOnceBytes;
  if (!isDue) return stamp;
  try {
    const hash = hashAtOnce(path, stamp);
    const stats = statFile(path);
    return stats && isUntouched(stamp, stats) ? { ...stamp, hash } : stamp;
  } catch {
    // Gone or not to be read: without a hash every write of it counts.
    return stamp;
  }
}

/** Whether somebody who read a file through its name, and got bytes with this hash, may have read what the stamp is of. */
export function isAsSeen({ hash, mode }: FileStamp, read: string | undefined): boolean {
  // A file without a hash counts as changed with every write; that of a link is not of what it leads to.
  return hash === undefined || !isRegular(mode) || hash === read;
}

/**
 * Whether a file was emptied or made so lately that what it is to hold may be on its way: most programs empty a file and
 * then write it, and on a busy machine that is a while.
 */
export function isJustEmptied({ size, mtimeMs, mode, racy }: FileStamp): boolean {
  // A file from the future, by the clock of a shared folder, would be held for ever.
  return size === 0 && isRegular(mode) && racy && mtimeMs <= Date.now();
}

/** The stamp of a file that is to count as changed, whatever is found in it. */
export function unread(stamp: FileStamp): FileStamp {
  return { ...stamp, hash: undefined, racy: true };
}

function isRegular(mode: number): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFREG;
}

function hashAtOnce(path: string, { mode }: Pick<FileStamp, 'mode'>): string {
  const isLink = (mode & constants.S_IFMT) === constants.S_IFLNK;
  return createHash('sha256')
    .update(isLink ? readlinkSync(path) : readFileSync(path))
    .digest('hex');
}

/** Of one regular file, before and after. */
function differInExecutable({ mode: before }: FileStamp, { mode: after }: FileStamp): boolean {
  return (before & constants.S_IFMT) === (after & constants.S_IFMT) && (before & 0o111) !== (after & 0o111);
}

/** Of the permissions only those to execute count, as for git: the others are the owner's affair, here and in the container. */
function hasSameKind(before: FileStamp, stamp: FileStamp): boolean {
  return ((before.mode ^ stamp.mode) & (constants.S_IFMT | 0o111)) === 0;
}

function hasSameBytes(before: FileStamp, stamp: FileStamp): boolean {
  return stamp.hash !== undefined && stamp.hash === before.hash;
}

function isUntouched(before: FileStamp, stats: Stats): boolean {
  return (
    before.size === stats.size &&
    before.mtimeMs === stats.mtimeMs &&
    before.ino === stats.ino &&
    before.mode === stats.mode
  );
}

function isRacy(stats: Stats, now: number): boolean {
  return now - stats.mtimeMs < racyMs;
}

function statFile(path: string): Stats | undefined {
  const stats = lstatIfThere(path);
  return stats?.isFile() || stats?.isSymbolicLink() ? stats : undefined;
}

function stampOf(stats: Stats, now: number, hash: string | undefined): FileStamp {
  const { size, mtimeMs, ino, mode } = stats;
  return { size, mtimeMs, ino, mode, hash, racy: isRacy(stats, now) };
}

async function read(path: string, stats: Stats, now: number): Promise<FileStamp | undefined> {
  try {
    return stampOf(stats, now, await hashFile(path, stats));
  } catch (error) {
    if (isGone(error)) return undefined;
    // A file that may not be read is still there, and its size and time still tell of a change.
    return stampOf(stats, now, undefined);
  }
}

async function hashFile(path: string, stats: Stats): Promise<string | undefined> {
  if (stats.isSymbolicLink() || stats.size <= readAtOnceBytes) return hashAtOnce(path, stats);
  if (stats.size > hashLimitBytes) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
