import { readdir } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import picomatch from 'picomatch';

/** Folders that are never searched: they hold nothing that a person wrote here, and can be very large. */
const skipped = new Set(['.git', 'node_modules']);

/**
 * @returns the folder below which everything lies that a glob matches, the empty text for the folder where it starts:
 * `src` of `src/*.ts`, and of `src/a.ts`.
 */
export function fixedPart(glob: string): string {
  const { base, glob: pattern } = picomatch.scan(glob);
  if (pattern !== '') return base;
  const folder = posix.dirname(base);
  return folder === '.' ? '' : folder;
}

/** @returns true when at least one file matches; relative globs start at `root`, and hidden files count. */
export async function matchesAny(glob: string, root: string): Promise<boolean> {
  const { base, glob: pattern } = picomatch.scan(glob);
  const matches = picomatch(pattern, { dot: true });
  return searchBelow(resolve(root, base), '', matches);
}

async function searchBelow(start: string, below: string, matches: (path: string) => boolean): Promise<boolean> {
  for (const entry of await readdir(join(start, below), { withFileTypes: true }).catch(noFolder)) {
    const path = posix.join(below, entry.name);
    if (!entry.isDirectory()) {
      if (matches(path)) return true;
    } else if (!skipped.has(entry.name) && (await searchBelow(start, path, matches))) return true;
  }
  return false;
}

/** A folder that is not there holds nothing that a glob could match. */
function noFolder(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
  throw error;
}
