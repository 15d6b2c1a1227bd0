import { Failure, isAbort } from '../errors.ts';
import { LinkedSignal } from '../lib/abort.ts';
import { Channel } from '../lib/channel.ts';
import { type Coalescer, coalesce } from '../lib/coalesce.ts';
import { wait } from '../lib/wait.ts';
import { FolderTree } from './folder-tree.ts';
import { GitLocks } from './git-lock.ts';
import { watchLimitFailure } from './watch-limit.ts';
import type { WatchRoot } from './watch-root.ts';

export type { WatchRoot } from './watch-root.ts';

/** Files that settled together. Paths are absolute, and no path is in both lists. */
export interface FileBatch {
  /** Created or written: there, and not with the bytes and executable bits that it had. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Of `changed`: the files whose executable bits are not what they were. */
  readonly modes: readonly string[];
  /** By `performance.now()`. */
  readonly firstEventAt: number;
}

export interface FileWatch extends AsyncDisposable {
  /**
   * Resolves when every folder is watched: what changes from then on is in a batch, so what is read of the tree should be
   * read after it. Rejects with AbortError on abort.
   */
  readonly ready: Promise<void>;
  /** For one reader. Ends with the watch; throws only what is a bug. */
  readonly batches: AsyncIterable<FileBatch>;
  /** Watches other roots from now on. What both reach goes on without a gap; files that are only new to the watch are no change. */
  update(roots: readonly WatchRoot[]): Promise<void>;
  /**
   * Says which bytes of a file somebody has read, by their SHA-256; undefined: it was not there. If they are others than the
   * watch saw, they were of a moment between two writes, or of one after which nothing was looked at yet: the file is told
   * of once more. Without that a file that is written twice with the same bytes, and read empty between, would be no change.
   */
  taken(path: string, sha256: string | undefined): void;
}

export interface WatchOptions {
  readonly roots: readonly WatchRoot[];
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** What a person should know while the watch goes on: the kernel's limit (once), a folder that may not be read. */
  readonly onProblem: (problem: Failure) => void;
}

const quietMs = 15;
const maxMs = 300;
const gitHoldMs = 30_000;
/** The bytes that files have at the start are read in slices of this, with this much time for others between. */
const learnMs = 4;
const giveWayMs = 20;
/** The kernel drops events beyond 16,384 that wait to be read; a burst that comes near is met by a look at everything. */
const burst = 8000;

/**
 * Watches the files that the roots reach. Events only say which folders to look at; what changed is read from disk when a
 * batch closes: 15 ms after its last event, at the latest 300 ms after its first, and not while git holds `index.lock`
 * (at most 30 s). So a rename over a file is a change of it, and a file that was written with the bytes that it had is
 * none; one that is empty is told of when it has been so for 100 ms; of a file above 1 MiB that was not written before in
 * this session the time decides. The bytes that files have at the start are learnt in the background, once the watch is
 * ready. Editors' swap and backup files never appear; symbolic links are files whose bytes are where they point.
 */
export function watchFiles(options: WatchOptions): FileWatch {
  return new SettledWatch(options);
}

class SettledWatch implements FileWatch {
  readonly ready: Promise<void>;
  readonly batches = new Channel<FileBatch>();
  readonly #ending: LinkedSignal;
  /** Lets go of the signal that the watch was given. */
  readonly #forget: () => void;
  readonly #onProblem: (problem: Failure) => void;
  readonly #tree: FolderTree;
  readonly #locks = new GitLocks(gitHoldMs);
  readonly #coalescer: Coalescer;
  #marked = new Set<string>();
  #events = 0;
  #limit: NodeJS.ErrnoException | undefined;
  #limitTold = false;
  readonly #failedFolders = new Set<string>();
  /** Looks at the disk, and changes of the roots, one after the other. */
  #queue: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;

  constructor({ roots, signal, onProblem }: WatchOptions) {
    this.#onProblem = onProblem;
    this.#ending = new LinkedSignal(signal);
    this.#coalescer = coalesce({ quietMs, maxMs, close: (firstAt) => this.#close(firstAt) });
    this.#tree = new FolderTree({
      marked: (folder) => this.#mark(folder),
      failed: (folder, error) => this.#tellUnreadable(folder, error),
      limited: (error) => {
        this.#limit ??= error;
      },
    });
    this.ready = this.update(roots);
    this.ready.catch((error: unknown) => this.#fail(error));
    const end = () => void this[Symbol.asyncDispose]();
    this.#forget = () => signal.removeEventListener('abort', end);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  }

  get #signal(): AbortSignal {
    return this.#ending.signal;
  }

  update(roots: readonly WatchRoot[]): Promise<void> {
    const updated = this.#enqueue(async () => {
      this.#signal.throwIfAborted();
      await this.#tree.setRoots(roots);
      await this.#locks.setRoots(roots.map(({ folder }) => folder));
      this.#tellLimit();
    });
    const learnt = updated.then(() => this.#learn());
    learnt.catch((error: unknown) => this.#fail(error));
    return updated;
  }

  taken(path: string, sha256: string | undefined): void {
    this.#enqueue(async () => this.#tree.doubt(path, sha256)).catch((error: unknown) => this.#fail(error));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.#ending.abort(undefined);
    this.#ending[Symbol.dispose]();
    this.#forget();
    this.#coalescer.cancel();
    await this.#queue;
    await Promise.all([this.#tree.close(), this.#locks[Symbol.asyncDispose]()]);
    this.batches.close();
  }

  async #learn(): Promise<void> {
    let sliceAt = performance.now();
    for (const _ of this.#tree.completeStamps()) {
      if (performance.now() - sliceAt < learnMs) continue;
      await wait(giveWayMs, this.#signal);
      sliceAt = performance.now();
    }
  }

  #mark(folder: string): void {
    if (this.#signal.aborted) return;
    this.#marked.add(folder);
    this.#events++;
    this.#coalescer.touch();
  }

  #close(firstEventAt: number): void {
    this.#enqueue(() => this.#settle(firstEventAt)).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    if (!isAbort(error)) this.batches.fail(error);
  }

  async #settle(firstEventAt: number): Promise<void> {
    await this.#locks.released(this.#signal);
    const marked = this.#events < burst ? this.#marked : this.#tree.folders;
    this.#marked = new Set();
    this.#events = 0;
    const { changed, removed, modes } = await this.#tree.look(marked);
    this.#tellLimit();
    if (changed.size + removed.size > 0) {
      this.batches.push({
        changed: [...changed].sort(),
        removed: [...removed].sort(),
        modes: [...modes],
        firstEventAt,
      });
    }
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(task);
    this.#queue = done.catch(() => {});
    return done;
  }

  #tellLimit(): void {
    if (!this.#limit || this.#limitTold) return;
    this.#limitTold = true;
    this.#onProblem(watchLimitFailure(this.#limit, this.#tree.folders.length, this.#tree.polled));
  }

  #tellUnreadable(folder: string, error: Error): void {
    if (this.#failedFolders.has(folder)) return;
    this.#failedFolders.add(folder);
    const next = 'make it readable, or leave it out with .dockerignore';
    this.#onProblem(
      new Failure('usage', `can't watch a folder: ${error.message}`, { where: folder, next, cause: error }),
    );
  }
}
