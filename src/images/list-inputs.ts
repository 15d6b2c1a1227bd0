import { type Dirent, lstatSync, readlinkSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContextRules } from '../context/read-context.ts';
import { ifThere, unlessGone } from './if-there.ts';

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
export async function listInputs(rules: ContextRules, signal: AbortSignal): Promise<readonly InputFile[]> {
  const files: InputFile[] = [];
  await listFolder(rules, '', files, signal);
  return files;
}

async function listFolder(rules: ContextRules, folder: string, files: InputFile[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const inside = join(rules.build.context, folder);
  const entries = (await readdir(inside, { withFileTypes: true }).catch(unlessGone(inside))) ?? [];
  const wanted = entries
    .map((entry) => ({ entry, path: folder === '' ? entry.name : `${folder}/${entry.name}` }))
    .filter(({ entry, path }) => (entry.isDirectory() ? rules.mayReachBelow(path) : rules.carries(path)))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
  for (const { entry, path } of wanted) {
    const file = describe(rules, entry, path);
    if (!file) continue;
    files.push(file);
    if (file.kind !== 'folder') continue;
    const before = files.length;
    await listFolder(rules, path, files, signal);
    if (files.length === before && !rules.carries(path)) files.pop();
  }
}

/** Synchronous: a promise costs ten times the `lstat` that it stands for, and each save needs one of every input. */
function describe(rules: ContextRules, entry: Dirent, path: string): InputFile | undefined {
  const absolute = join(rules.build.context, path);
  const stats = ifThere(absolute, () => lstatSync(absolute));
  if (!stats) return undefined;
  const facts = { path, absolute, mode: stats.mode & 0o7777, mtime: stats.mtime };
  if (stats.isFile()) return { ...facts, kind: 'file', size: stats.size, stamp: stampOf(stats) };
  // A folder that has become one since readdir was not judged by mayReachBelow.
  if (stats.isDirectory()) return entry.isDirectory() ? { ...facts, kind: 'folder' } : undefined;
  if (!stats.isSymbolicLink()) return undefined;
  const target = ifThere(absolute, () => readlinkSync(absolute));
  return target === undefined ? undefined : { ...facts, kind: 'link', target };
}

/** @returns what is another for a file that was replaced or written, unless within one tick of its file system's clock. */
export function stampOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
}
