import { readdir, realpath } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import picomatch from 'picomatch';
import { emptyIfGone, kindOf, undefinedIfGone } from './if-gone.ts';

/** Folders that are never searched: they hold nothing that a person wrote here, and can be very large. */
const skipped = new Set(['.git', '.stormctl', 'node_modules']);

/** Where a glob can find files. The paths of its questions are relative to `folder`, with `/` between their parts. */
export interface GlobArea {
  /** Absolute. */
  readonly folder: string;
  readonly matches: (file: string) => boolean;
  /** False for a folder below which it finds nothing, whatever is written there. */
  readonly mayMatchBelow: (folder: string) => boolean;
}

/** @returns undefined for the name of one file, which finds nothing else. */
export function globArea(glob: string, root: string): GlobArea | undefined {
  const { glob: pattern } = picomatch.scan(glob);
  if (pattern === '') return undefined;
  const parts = pattern.split('/');
  // A brace can hold a slash, and `**` any number of folders.
  const isDeep = pattern.includes('**') || pattern.includes('{') || pattern.includes('(');
  return {
    folder: searchBase(glob, root),
    matches: picomatch(pattern, { dot: true }),
    mayMatchBelow: (folder) => {
      const names = folder.split('/');
      if (names.some((name) => skipped.has(name))) return false;
      if (isDeep) return true;
      const above = parts.slice(0, names.length).join('/');
      return names.length < parts.length && picomatch.isMatch(folder, above, { dot: true });
    },
  };
}

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

/** @returns the absolute folder below which everything lies that a glob matches, or the file when it is no glob. */
function searchBase(glob: string, root: string): string {
  return resolve(root, picomatch.scan(glob).base);
}

/** @returns the absolute files that a glob matches, in the order of their names; see `matchesAny`. */
export async function matchFiles(glob: string, root: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const file of search(glob, root)) files.push(file);
  return files.sort();
}

/** @returns true when at least one file matches; relative globs start at `root`, and hidden files count. */
export async function matchesAny(glob: string, root: string): Promise<boolean> {
  for await (const _ of search(glob, root)) return true;
  return false;
}

/** @returns the absolute files of an area, in the order of their names; links to folders are followed, each folder once. */
export async function filesIn({ folder, matches, mayMatchBelow }: GlobArea): Promise<readonly string[]> {
  const files: string[] = [];
  const seen = new Set<string>();
  const visit = async (below: string): Promise<void> => {
    const here = await realpath(join(folder, below)).catch(undefinedIfGone);
    if (here === undefined || seen.has(here)) return;
    seen.add(here);
    for (const entry of await readdir(here, { withFileTypes: true }).catch(emptyIfGone)) {
      const path = posix.join(below, entry.name);
      const isFolder = entry.isSymbolicLink()
        ? (await kindOf(join(here, entry.name))) === 'folder'
        : entry.isDirectory();
      if (!isFolder) {
        if (matches(path)) files.push(join(folder, path));
      } else if (mayMatchBelow(path)) await visit(path);
    }
  };
  await visit('');
  return files.sort();
}

async function* search(glob: string, root: string): AsyncGenerator<string, void, void> {
  const start = searchBase(glob, root);
  const { glob: pattern } = picomatch.scan(glob);
  if (pattern === '') yield start;
  else yield* searchBelow(start, '', picomatch(pattern, { dot: true }));
}

async function* searchBelow(
  start: string,
  below: string,
  matches: (path: string) => boolean,
): AsyncGenerator<string, void, void> {
  for (const entry of await readdir(join(start, below), { withFileTypes: true }).catch(emptyIfGone)) {
    const path = posix.join(below, entry.name);
    if (entry.isDirectory()) {
      if (!skipped.has(entry.name)) yield* searchBelow(start, path, matches);
    } else if (matches(path)) yield join(start, path);
  }
}
