import { dirname, join } from 'node:path';
import { statIfThere } from './stat-if-there.ts';

/** A folder and what of it counts. */
export interface WatchRoot {
  /** Absolute. It may be absent, and appear later. */
  readonly folder: string;
  /** Whether a path below `folder` does not count; what is below a skipped folder is never looked at. */
  readonly skip: (relativePath: string, isFolder: boolean) => boolean;
}

/** As `join`, for a name without dots: it is called for each entry of a tree. */
export function pathIn(folder: string, name: string): string {
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}

/** As `relative`, for a path that is `folder` or lies below it. */
export function pathBelow(folder: string, path: string): string {
  return path.slice(folder.endsWith('/') ? folder.length : folder.length + 1);
}

/**
 * What has to be watched above a root so that it is noticed when the root itself is removed, remade or made at last: the
 * nearest folder above it that exists, and of that only the way down to the root.
 */
export function anchorOf(root: WatchRoot): readonly WatchRoot[] {
  let folder = dirname(root.folder);
  if (folder === root.folder) return [];
  while (!statIfThere(folder)?.isDirectory()) folder = dirname(folder);
  const skip = (relativePath: string, isFolder: boolean) => {
    const path = join(folder, relativePath);
    return !isFolder || !`${root.folder}/`.startsWith(`${path}/`);
  };
  return [{ folder, skip }];
}
