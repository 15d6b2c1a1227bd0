import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LinkedSignal } from '../lib/abort.ts';
import { wait } from '../lib/wait.ts';
import type { FolderWatch } from './folder-events.ts';
import { watchFolder } from './folder-watch.ts';
import { statIfThere } from './stat-if-there.ts';

interface Repository {
  readonly folder: string;
  /** None for a folder that went just now, or may not be read. */
  readonly watch: FolderWatch | undefined;
}

const lockName = 'index.lock';

/**
 * Whether git is at work in the repositories that hold the roots: a checkout, rebase or pull keeps `index.lock` while it
 * rewrites the tree, and what is half-way through that is nobody's intent.
 */
export class GitLocks implements AsyncDisposable {
  #repositories: readonly Repository[] = [];
  #wake: (() => void) | undefined;
  /** Locks that outlived the longest hold: left behind by a git that crashed. */
  readonly #stale = new Set<string>();
  readonly #holdMs: number;

  constructor(holdMs: number) {
    this.#holdMs = holdMs;
  }

  async setRoots(folders: readonly string[]): Promise<void> {
    const wanted = new Set(folders.flatMap(gitFolderOf));
    const kept = this.#repositories.filter(({ folder }) => wanted.has(folder));
    const gone = this.#repositories.filter(({ folder }) => !wanted.has(folder));
    for (const { folder } of kept) wanted.delete(folder);
    const opened = await Promise.all([...wanted].map((folder) => this.#open(folder)));
    this.#repositories = [...kept, ...opened];
    await Promise.all(gone.flatMap(({ watch }) => watch?.close() ?? []));
  }

  /** Resolves when no lock is there any more, at the latest after the longest hold. Rejects with AbortError on abort. */
  async released(signal: AbortSignal): Promise<void> {
    if (this.#held().length === 0) return;
    using timer = new LinkedSignal(signal);
    const late = wait(this.#holdMs, timer.signal).then(() => true);
    try {
      while (this.#held().length > 0) {
        const freed = new Promise<false>((wake) => {
          this.#wake = () => wake(false);
        });
        if (!(await Promise.race([freed, late]))) continue;
        for (const lock of this.#held()) this.#stale.add(lock);
      }
    } finally {
      timer.abort(undefined);
      await late.catch(() => {});
    }
    signal.throwIfAborted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.setRoots([]);
  }

  #held(): readonly string[] {
    const locks = this.#repositories.flatMap(({ folder }) => {
      const stats = statIfThere(join(folder, lockName));
      return stats ? [`${folder} ${stats.ino} ${stats.mtimeMs}`] : [];
    });
    return locks.filter((lock) => !this.#stale.has(lock));
  }

  async #open(folder: string): Promise<Repository> {
    const watch = await watchFolder(folder, {
      changed: (name) => {
        if (name === undefined || name === lockName) this.#wake?.();
      },
      // A lock whose end is not seen is held for the longest hold, no longer.
      failed: () => {},
      limited: () => {},
    });
    return { folder, watch };
  }
}

/** The git folder of the repository that a folder is in: `.git`, or where the `.git` file of a worktree points. */
function gitFolderOf(folder: string): readonly string[] {
  for (let at = folder; ; at = dirname(at)) {
    const git = join(at, '.git');
    const stats = statIfThere(git);
    if (stats?.isDirectory()) return [git];
    if (stats?.isFile()) {
      const pointer = /^gitdir: (.+)$/m.exec(readFileSync(git, 'utf8'))?.[1];
      return pointer ? [resolve(at, pointer)] : [];
    }
    if (at === dirname(at)) return [];
  }
}
