import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dirent, Stats } from 'node:fs';
import type { ContextRules } from '../context/read-context.ts';
import { Failure } from '../errors.ts';

/** One entry of a build context that the build can receive, as it was when it was listed. */
export type InputFile = InputFacts &
  (
    | { readonly kind: 'file'; readonly size: number; readonly stamp: string }
    | { readonly kind: 'folder' }
    /** `target`: as the link has it; links are sent as links. */
    | { readonly kind: 'link'; readonly target: string }
  );

interface InputFacts {
  /** Relative to the context, `/` separated. */
  readonly path: string;
  readonly absolute: string;
  /** Permission bits. */
  readonly mode: number;
  readonly mtime: Date;
}

/**
 * Walks a build context, entering only folders below which something can reach the build. Folders are listed before what
 * is in them, names in the order of their code units, so the same tree gives the same list everywhere. What vanishes
 * meanwhile is left out; sockets, pipes and devices are no inputs.
 *
 * @throws Failure `build` for what can't be read; the signal's reason once it is aborted.
 */
export function listInputs(rules: ContextRules, signal: AbortSignal): Promise<readonly InputFile[]> {
  return listFolder(rules, '', signal);
}

async function listFolder(rules: ContextRules, folder: string, signal: AbortSignal): Promise<readonly InputFile[]> {
  signal.throwIfAborted();
  const inside = join(rules.build.context, folder);
  const entries = (await readdir(inside, { withFileTypes: true }).catch(unlessGone(inside))) ?? [];
  const wanted = entries
    .map((entry) => ({ entry, path: folder === '' ? entry.name : `${folder}/${entry.name}` }))
    .filter(({ entry, path }) => (entry.isDirectory() ? rules.mayReachBelow(path) : rules.carries(path)))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
  const listed = await Promise.all(wanted.map(({ entry, path }) => describe(rules, entry, path)));
  const files: InputFile[] = [];
  for (const file of listed) {
    if (file?.kind !== 'folder') {
      if (file) files.push(file);
      continue;
    }
    const below = await listFolder(rules, file.path, signal);
    if (below.length > 0 || rules.carries(file.path)) files.push(file, ...below);
  }
  return files;
}

async function describe(rules: ContextRules, entry: Dirent, path: string): Promise<InputFile | undefined> {
  const absolute = join(rules.build.context, path);
  const stats = await lstat(absolute).catch(unlessGone(absolute));
  if (!stats) return undefined;
  const facts = { path, absolute, mode: stats.mode & 0o7777, mtime: stats.mtime };
  if (stats.isFile()) return { ...facts, kind: 'file', size: stats.size, stamp: stampOf(stats) };
  // A folder that has become one since readdir was not judged by mayReachBelow.
  if (stats.isDirectory()) return entry.isDirectory() ? { ...facts, kind: 'folder' } : undefined;
  if (!stats.isSymbolicLink()) return undefined;
  const target = await readlink(absolute).catch(unlessGone(absolute));
  return target === undefined ? undefined : { ...facts, kind: 'link', target };
}

/** @returns what is another for a file that was replaced or written, unless within one tick of its file system's clock. */
export function stampOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
}

/** @returns a handler that turns "it is not there any more" into undefined, and all else into a Failure. */
export function unlessGone(path: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new Failure('build', `can't read a file of the build context: ${error.code ?? error.message}`, {
      where: path,
      next: 'make it readable, or name it in .dockerignore',
      cause: error,
    });
  };
}
