import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { exactPattern, matchesName, type PathPattern, splitPath } from './path-pattern.ts';
import { isGone } from '../lib/if-gone.ts';

/** As many links as Linux follows in one path before it calls them a loop. */
const mostLinks = 40;

/**
 * Docker follows symbolic links on the way to a source of COPY, and a source that is one, inside the context as if its
 * root were `/`. So what such a link leads to reaches the build too, and so does the link itself.
 *
 * @returns patterns of the links found on the way and of what they lead to, as they are on disk now.
 */
export async function followLinks(root: string, pattern: PathPattern): Promise<readonly PathPattern[]> {
  const found: PathPattern[] = [];
  await walk(root, '', pattern, mostLinks, found);
  return found;
}

async function walk(
  root: string,
  folder: string,
  [segment, ...rest]: PathPattern,
  linksLeft: number,
  found: PathPattern[],
): Promise<void> {
  // Below `**` Docker copies links as links.
  if (segment === undefined || segment.kind === 'any' || linksLeft === 0) return;
  const names = segment.kind === 'name' ? [segment.name] : await namesIn(join(root, folder));
  for (const name of names.filter((name) => matchesName(segment, name))) {
    const path = posix.join(folder, name);
    const kind = await kindOf(join(root, path));
    if (kind === 'folder') await walk(root, path, rest, linksLeft, found);
    if (kind !== 'link') continue;
    const target = await readlink(join(root, path));
    const landing = posix.join('/', target.startsWith('/') ? '' : folder, target);
    const beyond: PathPattern = [...splitPath(landing).map((each) => ({ kind: 'name' as const, name: each })), ...rest];
    found.push(exactPattern(path), beyond);
    await walk(root, '', beyond, linksLeft - 1, found);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(absent([]));
}

async function kindOf(path: string): Promise<'folder' | 'link' | 'other'> {
  const stats = await lstat(path).catch(absent(undefined));
  if (stats?.isSymbolicLink()) return 'link';
  return stats?.isDirectory() ? 'folder' : 'other';
}

/** What is not there, or is no folder, leads nowhere: the build says so if it matters. */
function absent<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (isGone(error)) return instead;
    throw error;
  };
}
