import { type Dirent, readdirSync, type Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Differences, noDifferences, noteChanged, noteRemoved } from './differences.ts';
import {
  completeStamp,
  type FileStamp,
  isAsSeen,
  isJustEmptied,
  restampFile,
  stampFile,
  unread,
} from './file-stamp.ts';
import type { FolderWatch } from './folder-events.ts';
import { watchFolder } from './folder-watch.ts';
import { type Level, mergeLevels, type Reached, reaching, rootsAt, rootsOfEntry, startsOf } from './reach.ts';
import { statIfThere } from './stat-if-there.ts';
import { pathIn, type WatchRoot } from './watch-root.ts';
import { isGone } from '../lib/if-gone.ts';

export interface TreeEvents {
  /** Something happened in a folder. */
  readonly marked: (folder: string) => void;
  /** A folder could not be watched or read. */
  readonly failed: (folder: string, error: Error) => void;
  /** The kernel refused a watch; the folder is polled. */
  readonly limited: (error: NodeJS.ErrnoException) => void;
}

interface Folder {
  readonly path: string;
  /** Those that reach it without skipping a folder on the way. */
  roots: readonly WatchRoot[];
  readonly files: Map<string, FileStamp>;
  readonly folders: Set<string>;
  /** Tells a folder from another one that took its place. */
  identity: string | undefined;
  watch: FolderWatch | undefined;
}

/**
 * `report`: what is not as it was is a difference. `learn`: new files and folders are only taken down, unless the roots
 * that there were before watched them too: then an event is under way, and the look that follows it reports them.
 */
type Look =
  | { readonly kind: 'report'; readonly found: Differences }
  | { readonly kind: 'learn'; readonly before: Before };

interface Before extends Reached {
  readonly folders: ReadonlyMap<string, Folder>;
}

/** Names that a folder has. */
interface Seen {
  readonly files: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
}

const watchesAtOnce = 32;

/**
 * Every folder that the roots reach, each with its own watch and with what was last seen in it. A folder is watched before
 * it is read, so that nothing falls between. Calls must not overlap: the owner makes them one after the other.
 */
export class FolderTree {
  #folders = new Map<string, Folder>();
  /** While other roots are set: those that there were before, as long as they are not found again. */
  #before: ReadonlyMap<string, Folder> | undefined;
  #starts: Level = new Map();
  readonly #events: TreeEvents;

  constructor(events: TreeEvents) {
    this.#events = events;
  }

  get folders(): readonly string[] {
    return [...this.#folders.keys()];
  }

  /** How many folders are polled because the kernel refused to watch them. */
  get polled(): number {
    return [...this.#folders.values()].filter(({ watch }) => watch?.polling).length;
  }

  /** Watches what `roots` reach and no more; what the roots before reached too keeps its watches and stamps. */
  async setRoots(roots: readonly WatchRoot[]): Promise<void> {
    const before: Before = { starts: this.#starts, folders: this.#folders };
    this.#before = before.folders;
    this.#folders = new Map();
    this.#starts = startsOf(roots);
    await this.#enterAll(this.#starts, { kind: 'learn', before });
    const reached: Reached = { starts: this.#starts, folders: this.#folders };
    const left = [...before.folders.values()]
      .filter(({ path }) => !this.#folders.has(path))
      .map((folder) => ({ ...folder, roots: rootsAt(reached, folder.path) }));
    // What the roots reach and was not found has vanished just now. It stays until the look that reports what was in it,
    // though another may have its place already; if it was moved away with a folder above it, no event of its own is due.
    for (const folder of left.filter(({ roots }) => roots.length > 0)) {
      this.#folders.set(folder.path, folder);
      this.#events.marked(folder.path);
    }
    this.#before = undefined;
    await closeWatches(left.filter(({ roots }) => roots.length === 0));
  }

  /** Compares what is on disk in `folders`, and in folders that are new there, with what was last seen. */
  async look(folders: Iterable<string>): Promise<Differences> {
    const found = noDifferences();
    const look: Look = { kind: 'report', found };
    const entries: [string, readonly WatchRoot[]][] = [];
    for (const path of folders) {
      const folder = this.#folders.get(path);
      if (folder) entries.push(...(await this.#read(folder, look)));
    }
    await this.#enterAll(mergeLevels(entries), look);
    return found;
  }

  /** Forgets the bytes of a file, for the next look, where somebody else has seen others. */
  doubt(path: string, hash: string | undefined): void {
    const folder = this.#folders.get(dirname(path));
    const stamp = folder?.files.get(basename(path));
    if (!folder || !stamp || isAsSeen(stamp, hash)) return;
    folder.files.set(basename(path), unread(stamp));
    this.#events.marked(folder.path);
  }

  /** Completes the stamps that have no hash, one at each step, so that the caller can give way to others. */
  *completeStamps(): Generator<void, void, void> {
    for (const { path, files } of this.#folders.values()) {
      for (const [name, stamp] of files) {
        const complete = completeStamp(pathIn(path, name), stamp);
        if (complete === stamp) continue;
        files.set(name, complete);
        yield;
      }
    }
  }

  async close(): Promise<void> {
    const folders = [...this.#folders.values()];
    this.#folders.clear();
    await closeWatches(folders);
  }

  async #enterAll(start: Level, look: Look): Promise<void> {
    for (let level = start; level.size > 0; ) {
      const todo = level.entries();
      const next: [string, readonly WatchRoot[]][] = [];
      const work = async () => {
        for (const [path, roots] of todo) next.push(...(await this.#read(this.#folder(path, roots, look), look)));
      };
      await Promise.all(Array.from({ length: Math.min(watchesAtOnce, level.size) }, work));
      level = mergeLevels(next);
    }
  }

  #folder(path: string, roots: readonly WatchRoot[], look: Look): Folder {
    const known = this.#folders.get(path);
    if (known) {
      known.roots = [...new Set([...known.roots, ...roots])];
      return known;
    }
    const before = look.kind === 'learn' ? look.before.folders.get(path) : undefined;
    const fresh = { path, files: new Map(), folders: new Set<string>(), identity: undefined, watch: undefined };
    const folder: Folder = { ...(before ?? fresh), roots };
    this.#folders.set(path, folder);
    return folder;
  }

  /** @returns the folders in it that have to be read too. */
  async #read(folder: Folder, look: Look): Promise<[string, readonly WatchRoot[]][]> {
    const entries = (await this.#rewatch(folder, look)) ? this.#list(folder.path) : 'gone';
    if (entries === 'gone' && look.kind === 'report') await this.#forget(folder, look.found);
    // What may not be read any more is still there.
    if (typeof entries === 'string') return [];
    const reachedBefore = look.kind === 'learn' ? rootsAt(look.before, folder.path) : [];
    const next: [string, readonly WatchRoot[]][] = [];
    const seen = { files: new Set<string>(), folders: new Set<string>() };
    for (const entry of entries) {
      const roots = this.#rootsOf(folder, entry.name, entry.isDirectory());
      if (roots.length === 0) continue;
      // A name may have gone over from one to the other.
      (entry.isDirectory() ? seen.folders : seen.files).add(entry.name);
      if (!entry.isDirectory()) {
        if (look.kind === 'report') await this.#readFile(folder, entry.name, look.found);
        else await this.#learnFile(folder, entry.name, reachedBefore);
        continue;
      }
      folder.folders.add(entry.name);
      const path = pathIn(folder.path, entry.name);
      if (this.#isNews(path, roots)) next.push([path, roots]);
    }
    await this.#dropUnseen(folder, seen, look);
    return next;
  }

  /** @returns false when the folder is not there. */
  async #rewatch(folder: Folder, look: Look): Promise<boolean> {
    const stats = statIfThere(folder.path);
    if (!stats?.isDirectory()) return false;
    const identity = identityOf(stats);
    if (folder.watch && folder.identity === identity) return true;
    const { path } = folder;
    if (folder.watch) {
      await folder.watch.close();
      // What it had yet to tell is not told any more.
      if (look.kind === 'learn') this.#events.marked(path);
    }
    folder.identity = identity;
    const watch = await watchFolder(path, {
      changed: (name) => this.#mark(path, name),
      failed: (error) => this.#events.failed(path, error),
      limited: (error) => this.#events.limited(error),
    });
    if (this.#folders.get(path) !== folder) {
      await watch?.close();
      return false;
    }
    folder.watch = watch;
    return true;
  }

  #mark(path: string, name: string | undefined): void {
    const folder = this.#folders.get(path) ?? this.#before?.get(path);
    if (!folder) return;
    // Its own name: it was removed or moved away, and not every file system has birth times to tell the next one from it.
    const itself = name === basename(path);
    if (itself) folder.identity = undefined;
    if (itself || name === undefined || this.#counts(folder, name)) this.#events.marked(path);
  }

  /** Whether an entry is, was or could be one that counts: what it is now is not known before it is read. */
  #counts(folder: Folder, name: string): boolean {
    if (folder.files.has(name) || folder.folders.has(name)) return true;
    return [false, true].some((isFolder) => this.#rootsOf(folder, name, isFolder).length > 0);
  }

  /** The roots that an entry counts for. */
  #rootsOf(folder: Folder, name: string, isFolder: boolean): readonly WatchRoot[] {
    return rootsOfEntry(this.#starts, folder, name, isFolder);
  }

  #isNews(path: string, roots: readonly WatchRoot[]): boolean {
    const known = this.#folders.get(path);
    // Without a watch it may not have been readable.
    if (!known?.watch || roots.some((root) => !known.roots.includes(root))) return true;
    const stats = statIfThere(path);
    return stats === undefined || identityOf(stats) !== known.identity;
  }

  #list(path: string): readonly Dirent[] | 'gone' | 'unreadable' {
    try {
      return readdirSync(path, { withFileTypes: true }).filter(
        (entry) => entry.isFile() || entry.isDirectory() || entry.isSymbolicLink(),
      );
    } catch (error) {
      if (isGone(error)) return 'gone';
      this.#events.failed(path, error as Error);
      return 'unreadable';
    }
  }

  async #readFile(folder: Folder, name: string, found: Differences): Promise<void> {
    const path = pathIn(folder.path, name);
    const after = await restampFile(path, folder.files.get(name));
    if (!after) return this.#dropFile(folder, name, found);
    if (after.differs && isJustEmptied(after.stamp)) return this.#events.marked(folder.path);
    folder.files.set(name, after.stamp);
    if (after.differs) noteChanged(found, path, after.modeChanged);
  }

  async #learnFile(folder: Folder, name: string, reachedBefore: readonly WatchRoot[]): Promise<void> {
    if (folder.files.has(name)) return;
    const path = pathIn(folder.path, name);
    if (reaching(reachedBefore, path, false).length > 0) return this.#events.marked(folder.path);
    const stamp = await stampFile(path);
    if (stamp) folder.files.set(name, stamp);
  }

  /** In a `learn` only what does not count any more: what vanished just now is the next look's. */
  async #dropUnseen(folder: Folder, seen: Seen, look: Look): Promise<void> {
    for (const name of folder.files.keys()) {
      if (seen.files.has(name)) continue;
      if (look.kind === 'report') this.#dropFile(folder, name, look.found);
      else if (this.#rootsOf(folder, name, false).length === 0) folder.files.delete(name);
    }
    for (const name of folder.folders) {
      if (seen.folders.has(name)) continue;
      if (look.kind === 'learn' && this.#rootsOf(folder, name, true).length > 0) continue;
      folder.folders.delete(name);
      const child = this.#folders.get(pathIn(folder.path, name));
      if (child && look.kind === 'report') await this.#forget(child, look.found);
    }
  }

  #dropFile(folder: Folder, name: string, found: Differences): void {
    if (folder.files.delete(name)) noteRemoved(found, pathIn(folder.path, name));
  }

  async #forget(folder: Folder, found: Differences): Promise<void> {
    this.#folders.delete(folder.path);
    for (const name of folder.files.keys()) this.#dropFile(folder, name, found);
    for (const name of folder.folders) {
      const child = this.#folders.get(pathIn(folder.path, name));
      if (child) await this.#forget(child, found);
    }
    await folder.watch?.close();
  }
}

/** A birth time beside the inode: file systems give a removed folder's number to the next one. */
function identityOf({ ino, birthtimeMs }: Stats): string {
  return `${ino} ${birthtimeMs}`;
}

async function closeWatches(folders: readonly Folder[]): Promise<void> {
  await Promise.all(folders.flatMap(({ watch }) => watch?.close() ?? []));
}
