import { lstatSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { matchesName, type PathPattern } from './path-pattern.ts';

/** @returns the paths below `root` that a pattern without `**` names, as they are on disk now; links are not followed. */
export function findMatches(root: string, pattern: PathPattern): readonly string[] {
  let found = [''];
  for (const segment of pattern) {
    found = found.flatMap((folder) => {
      const names = segment.kind === 'name' ? [segment.name] : namesIn(join(root, folder));
      return names.filter((name) => matchesName(segment, name)).map((name) => posix.join(folder, name));
    });
  }
  return found.filter((path) => kindAt(join(root, path)) !== undefined);
}

/** @returns undefined when nothing is there. */
export function kindAt(path: string): 'folder' | 'link' | 'other' | undefined {
  const stats = absent(() => lstatSync(path, { throwIfNoEntry: false }));
  if (!stats) return undefined;
  if (stats.isSymbolicLink()) return 'link';
  return stats.isDirectory() ? 'folder' : 'other';
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
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
