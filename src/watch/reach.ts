import { dirname } from 'node:path';
import { isEditorFile } from './editor-files.ts';
import { anchorOf, pathBelow, pathIn, type WatchRoot } from './watch-root.ts';

/** Folders, and the roots that reach each of them without skipping a folder on the way. */
export type Level = ReadonlyMap<string, readonly WatchRoot[]>;

/** A folder that is there, and who reaches it. */
export interface ReachedFolder {
  readonly path: string;
  readonly roots: readonly WatchRoot[];
}

/** Where a set of roots begins, and what of it was found. */
export interface Reached {
  readonly starts: Level;
  readonly folders: ReadonlyMap<string, ReachedFolder>;
}

/** @returns where `roots` begin: their own folders, and those above that tell when these come and go. */
export function startsOf(roots: readonly WatchRoot[]): Level {
  return mergeLevels([...roots, ...roots.flatMap(anchorOf)].map((root) => [root.folder, [root]]));
}

/** @returns the roots that an entry of a folder counts for. */
export function rootsOfEntry(
  starts: Level,
  folder: ReachedFolder,
  name: string,
  isFolder: boolean,
): readonly WatchRoot[] {
  if (isEditorFile(name)) return [];
  const path = pathIn(folder.path, name);
  const roots = reaching(folder.roots, path, isFolder);
  return isFolder ? [...new Set([...roots, ...(starts.get(path) ?? [])])] : roots;
}

/** @returns the roots that reach a folder, or would, had it been found. */
export function rootsAt({ starts, folders }: Reached, path: string): readonly WatchRoot[] {
  const known = folders.get(path)?.roots;
  if (known || starts.size === 0) return known ?? [];
  const parent = dirname(path);
  const above = parent === path ? [] : reaching(rootsAt({ starts, folders }, parent), path, true);
  return [...above, ...(starts.get(path) ?? [])];
}

/** @returns those of the roots, which reach the folder that it is in, for which an entry counts. */
export function reaching(roots: readonly WatchRoot[], path: string, isFolder: boolean): readonly WatchRoot[] {
  return roots.filter((root) => !root.skip(pathBelow(root.folder, path), isFolder));
}

/** One folder may be named several times, each time with other roots. */
export function mergeLevels(entries: readonly (readonly [string, readonly WatchRoot[]])[]): Level {
  const merged = new Map<string, readonly WatchRoot[]>();
  for (const [path, roots] of entries) merged.set(path, [...new Set([...(merged.get(path) ?? []), ...roots])]);
  return merged;
}
