import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { isGone } from '../lib/if-gone.ts';
import type { OnRead } from '../lib/on-read.ts';

/**
 * One thing to do in a container. `to` and `root` are absolute paths there; `to` is inside `root`. A file that is there keeps
 * its owner and mode; but where `modeChanged`, its executable bits become those of `mode`, which is what a new file gets.
 */
export type FileStep =
  | {
      readonly kind: 'write';
      readonly to: string;
      readonly root: string;
      readonly mode: number;
      readonly modeChanged: boolean;
      readonly bytes: Buffer;
      readonly sha256: string;
    }
  /** Too large to hold: read while it is sent. */
  | {
      readonly kind: 'stream';
      readonly to: string;
      readonly root: string;
      readonly mode: number;
      readonly modeChanged: boolean;
      readonly from: string;
      /** To be told the SHA-256 of what was read; undefined: it had gone. */
      readonly onRead?: (sha256: string | undefined) => void;
    }
  | { readonly kind: 'remove'; readonly to: string; readonly root: string };

/** A file that has to be brought to containers, or to be removed there. */
export interface FileWish {
  readonly to: string;
  readonly root: string;
  /** The local file, absolute. */
  readonly from: string;
  readonly removed: boolean;
  /** Whether the local file's executable bits changed since the image was built; git counts them as content too. */
  readonly modeChanged: boolean;
  /** What it gets there; default: the local file's. */
  readonly mode?: number;
  /** No image holds it, so no new image brings it. */
  readonly notInImage?: true;
}

/** A local file that is there but can't be sent. */
export interface UnreadableFile {
  readonly kind: 'unreadable';
  readonly from: string;
  readonly because: string;
}

const holdLimitBytes = 2 ** 20;
/** Of the files of one batch; a branch switch can be gigabytes. */
const batchLimitBytes = 2 ** 26;

/** @returns what to do for a wish; asked again for the same one, for another container, it reads nothing. */
export type Plan = (wish: FileWish) => FileStep | UnreadableFile;

/**
 * A file is read when the first container asks for it and then held for the others. The key is the change, not the path: a
 * newer change of the same file is read anew.
 *
 * @param limitBytes how much is held; what comes when that is reached is read while it is sent.
 */
export function planOnce(onRead: OnRead = () => {}, limitBytes: number = batchLimitBytes): Plan {
  const steps = new Map<FileWish, FileStep | UnreadableFile>();
  let left = limitBytes;
  return (wish) => {
    const known = steps.get(wish);
    if (known) return known;
    const step = planStep(wish, Math.min(left, holdLimitBytes), onRead);
    if (step.kind === 'write') left -= step.bytes.length;
    steps.set(wish, step);
    return step;
  };
}

/**
 * Reads a local file once, for all the containers that want it. One that has gone since it was asked for is a removal. Small
 * files are read at once and not through the thread pool, which costs ten times as much for a batch of hundreds.
 *
 * @param limitBytes of a file that is read now and held.
 */
export function planStep(
  { to, root, from, removed, modeChanged, mode: given }: FileWish,
  limitBytes: number = holdLimitBytes,
  onRead: OnRead = () => {},
): FileStep | UnreadableFile {
  if (removed) return { kind: 'remove', to, root };
  try {
    const stats = statSync(from);
    if (stats.isDirectory() && lstatSync(from).isSymbolicLink()) {
      return { kind: 'unreadable', from, because: 'it is a symbolic link to a folder' };
    }
    if (!stats.isFile()) return { kind: 'remove', to, root };
    const mode = given ?? stats.mode & 0o777;
    if (stats.size > limitBytes)
      return { kind: 'stream', to, root, mode, modeChanged, from, onRead: (sha256) => onRead(from, sha256) };
    const bytes = readFileSync(from);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    onRead(from, sha256);
    return { kind: 'write', to, root, mode, modeChanged, bytes, sha256 };
  } catch (error) {
    if (isGone(error)) {
      onRead(from, undefined);
      return { kind: 'remove', to, root };
    }
    return { kind: 'unreadable', from, because: (error as Error).message };
  }
}

type StreamStep = Extract<FileStep, { kind: 'stream' }>;

/** Opens the file of a step to be streamed. @returns undefined when it has gone, which is told. */
export async function openIfThere({ from, onRead }: StreamStep): Promise<FileHandle | undefined> {
  try {
    return await open(from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    onRead?.(undefined);
    return undefined;
  }
}

/** Reads a file that is open, each piece taken before the next is read, and tells what was read. @returns its SHA-256. */
export async function readPieces(
  file: FileHandle,
  { onRead }: StreamStep,
  pieceBytes: number,
  take: (piece: Buffer) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of file.createReadStream({ highWaterMark: pieceBytes, autoClose: false })) {
    hash.update(piece as Buffer);
    await take(piece as Buffer);
  }
  const sha256 = hash.digest('hex');
  onRead?.(sha256);
  return sha256;
}
