import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { matchesName, type PathPattern } from './path-pattern.ts';

export interface Match {
  readonly path: string;
  /** `link`: one to a folder, or on the way to what is named, so that what it stands for lies elsewhere. */
  readonly kind: 'folder' | 'file' | 'link';
}

/** @returns what a pattern without `**` names below `root`, as it is on disk now. */
export function findMatches(root: string, [segment, ...rest]: PathPattern, folder = ''): readonly Match[] {
  if (segment === undefined) return matchAt(root, folder);
  if (folder !== '' && isLink(join(root, folder))) return [{ path: folder, kind: 'link' }];
  const names = segment.kind === 'name' ? [segment.name] : namesIn(join(root, folder));
  return names
    .filter((name) => matchesName(segment, name))
    .flatMap((name) => findMatches(root, rest, posix.join(folder, name)));
}

function matchAt(root: string, path: string): readonly Match[] {
  const kind = kindAt(join(root, path));
  if (kind === undefined) return [];
  if (kind !== 'link') return [{ path, kind }];
  const isFile = absent(() => statSync(join(root, path), { throwIfNoEntry: false }))?.isFile() === true;
  return [{ path, kind: isFile ? 'file' : 'link' }];
}

/** @returns undefined when nothing is there. */
export function kindAt(path: string): 'folder' | 'link' | 'file' | undefined {
  const stats = absent(() => lstatSync(path, { throwIfNoEntry: false }));
  if (!stats) return undefined;
  if (stats.isSymbolicLink()) return 'link';
  return stats.isDirectory() ? 'folder' : 'file';
}

export function isLink(path: string): boolean {
  return kindAt(path) === 'link';
}

function namesIn(folder: string): readonly string[] {
  return absent(() => readdirSync(folder)) ?? [];
}

function absent<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}
