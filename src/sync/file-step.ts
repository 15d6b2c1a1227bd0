import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, statSync } from 'node:fs';

/** One thing to do in a container. `to` and `root` are absolute paths there; `to` is inside `root`. */
export type FileStep =
  | {
      readonly kind: 'write';
      readonly to: string;
      readonly root: string;
      readonly mode: number;
      readonly bytes: Buffer;
      readonly sha256: string;
    }
  /** Too large to hold: read while it is sent. */
  | {
      readonly kind: 'stream';
      readonly to: string;
      readonly root: string;
      readonly mode: number;
      readonly from: string;
    }
  | { readonly kind: 'remove'; readonly to: string; readonly root: string };

/** A file that has to be brought to containers, or, without `from`, to be removed there. */
export interface FileWish {
  readonly to: string;
  readonly root: string;
  /** The local file, absolute. */
  readonly from: string | undefined;
}

/** A local file that is there but can't be sent. */
export interface UnreadableFile {
  readonly kind: 'unreadable';
  readonly from: string;
  readonly because: string;
}

const holdLimitBytes = 2 ** 20;

/**
 * Reads a local file once, for all the containers that want it. One that has gone since it was asked for is a removal. Small
 * files are read at once and not through the thread pool, which costs ten times as much for a batch of hundreds.
 */
export function planStep({ to, root, from }: FileWish): FileStep | UnreadableFile {
  if (from === undefined) return { kind: 'remove', to, root };
  try {
    const stats = statSync(from);
    if (stats.isDirectory() && lstatSync(from).isSymbolicLink()) {
      return { kind: 'unreadable', from, because: 'it is a symbolic link to a folder' };
    }
    if (!stats.isFile()) return { kind: 'remove', to, root };
    const mode = stats.mode & 0o777;
    if (stats.size > holdLimitBytes) return { kind: 'stream', to, root, mode, from };
    const bytes = readFileSync(from);
    return { kind: 'write', to, root, mode, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'remove', to, root };
    return { kind: 'unreadable', from, because: message };
  }
}
