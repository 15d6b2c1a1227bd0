import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { matchesName, type PathPattern } from './path-pattern.ts';
import { isGone } from '../lib/if-gone.ts';

export interface Match {
  readonly path: string;
  /** `link`: one to a folder, or on the way to what is named, so that what it stands for lies elsewhere. */
  readonly kind: 'folder' | 'file' | 'link';
}

/** One look at a build context: a folder is listed when it is first asked for, and not again. Paths are relative to it. */
export class Disk {
  readonly #root: string;
  readonly #folders = new Map<string, ReadonlyMap<string, Dirent>>();
  readonly #links = new Map<string, string | undefined>();
  readonly #matches = new Map<PathPattern, readonly Match[]>();

  constructor(root: string) {
    this.#root = root;
  }

  /** @returns undefined when nothing is there. A link is not followed, but on the way to the path. */
  kindAt(path: string): 'folder' | 'file' | 'link' | undefined {
    const found = this.#list(posix.dirname(path)).get(posix.basename(path));
    if (!found) return undefined;
    if (found.isSymbolicLink()) return 'link';
    return found.isDirectory() ? 'folder' : 'file';
  }

  /** @returns the first symbolic link on the way to a path, its end included. */
  linkOn(path: string): string | undefined {
    const folder = posix.dirname(path);
    const above = folder === '.' ? undefined : this.#linkOnWay(folder);
    return above ?? (this.kindAt(path) === 'link' ? path : undefined);
  }

  /** @returns what a pattern without `**` names. */
  matches(pattern: PathPattern): readonly Match[] {
    const known = this.#matches.get(pattern) ?? this.#find(pattern, '');
    this.#matches.set(pattern, known);
    return known;
  }

  #linkOnWay(folder: string): string | undefined {
    if (!this.#links.has(folder)) this.#links.set(folder, this.linkOn(folder));
    return this.#links.get(folder);
  }

  #find([segment, ...rest]: PathPattern, folder: string): readonly Match[] {
    if (segment === undefined) return this.#matchAt(folder);
    if (folder !== '' && this.kindAt(folder) === 'link') return [{ path: folder, kind: 'link' }];
    const names = segment.kind === 'name' ? [segment.name] : [...this.#list(folder || '.').keys()];
    return names
      .filter((name) => matchesName(segment, name))
      .flatMap((name) => this.#find(rest, posix.join(folder, name)));
  }

  #matchAt(path: string): readonly Match[] {
    if (path === '') return [{ path, kind: 'folder' }];
    const kind = this.kindAt(path);
    if (kind === undefined) return [];
    if (kind !== 'link') return [{ path, kind }];
    const isFile = absent(() => statSync(join(this.#root, path), { throwIfNoEntry: false }))?.isFile() === true;
    return [{ path, kind: isFile ? 'file' : 'link' }];
  }

  #list(folder: string): ReadonlyMap<string, Dirent> {
    const known = this.#folders.get(folder);
    if (known) return known;
    const entries = absent(() => readdirSync(join(this.#root, folder), { withFileTypes: true })) ?? [];
    const listed = new Map(entries.map((entry) => [entry.name, entry]));
    this.#folders.set(folder, listed);
    return listed;
  }
}

function absent<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
    throw error;
  }
}
