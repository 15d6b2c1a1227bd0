import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import picomatch from 'picomatch';

/** Folders that hold no manifests and can be very large. */
const skipped = new Set(['.git', 'node_modules']);

/** @returns the absolute files that one glob matches, in the order of their names; relative globs start at `root`. */
export async function matchManifests(glob: string, root: string): Promise<readonly string[]> {
  const { base, glob: pattern } = picomatch.scan(glob);
  const start = resolve(root, base);
  if (pattern === '') return [start];
  const matches = picomatch(pattern, { dot: true });
  const files: string[] = [];
  await walk(start, '', async (path) => {
    if (matches(path)) files.push(join(start, path));
  });
  return files.sort();
}

/** @returns the absolute folder below which everything that a glob matches lies, or the file when it is no glob. */
export function fixedPartOf(glob: string, root: string): string {
  return resolve(root, picomatch.scan(glob).base);
}

async function walk(start: string, below: string, visit: (path: string) => Promise<void>): Promise<void> {
  for (const entry of await readdir(join(start, below), { withFileTypes: true }).catch(noFolder)) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (!entry.isDirectory()) await visit(path);
    else if (!skipped.has(entry.name)) await walk(start, path, visit);
  }
}

/** A folder that is not there holds nothing that a glob could match. */
function noFolder(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
  throw error;
}
