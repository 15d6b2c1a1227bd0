import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Failure } from '../../../src/errors.ts';
import { type FileBatch, type FileWatch, type WatchRoot, watchFiles } from '../../../src/watch/watch-files.ts';

/** A scratch folder that goes with the test. */
export class ScratchFolder implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'stormctl-watch-')));

  at(name: string): string {
    return join(this.path, name);
  }

  write(name: string, text = name): string {
    const path = this.at(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface SimpleBatch {
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** A ready watch of a scratch folder, with its batches one at a time and their paths relative to the folder. */
export class WatchedFolder implements AsyncDisposable {
  readonly watch: FileWatch;
  readonly problems: Failure[] = [];
  readonly #folder: ScratchFolder;
  readonly #batches: AsyncIterator<FileBatch>;

  private constructor(folder: ScratchFolder, roots: readonly WatchRoot[]) {
    this.#folder = folder;
    this.watch = watchFiles({
      roots,
      signal: new AbortController().signal,
      onProblem: (problem) => this.problems.push(problem),
    });
    this.#batches = this.watch.batches[Symbol.asyncIterator]();
  }

  static async start(folder: ScratchFolder, roots: readonly WatchRoot[] = [everything(folder.path)]) {
    const watched = new WatchedFolder(folder, roots);
    await watched.watch.ready;
    return watched;
  }

  async nextRaw(): Promise<FileBatch> {
    const { value } = await this.#batches.next();
    if (!value) throw new Error('the watch ended');
    return value as FileBatch;
  }

  async next(): Promise<SimpleBatch> {
    const { changed, removed } = await this.nextRaw();
    const short = (path: string) => relative(this.#folder.path, path);
    return { changed: changed.map(short), removed: removed.map(short) };
  }

  /** All that has happened so far, as one: a file written last shows that everything before it was seen. */
  async upToNow(): Promise<SimpleBatch> {
    this.#folder.write('the-last.txt', String(performance.now()));
    const changed = new Set<string>();
    const removed = new Set<string>();
    for (;;) {
      const batch = await this.next();
      for (const path of batch.changed) {
        changed.add(path);
        removed.delete(path);
      }
      for (const path of batch.removed) {
        removed.add(path);
        changed.delete(path);
      }
      if (changed.delete('the-last.txt')) return { changed: [...changed].sort(), removed: [...removed].sort() };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch[Symbol.asyncDispose]();
  }
}

export function everything(folder: string): WatchRoot {
  return { folder, skip: () => false };
}
