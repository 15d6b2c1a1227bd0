import type { FileBatch } from '../watch/watch-files.ts';
import type { Decision } from './decide.ts';

export interface HoldOptions {
  /** @returns why a service is not rebuilt, or not even synced, until a person asks; undefined: it is, at once. */
  readonly holds: (service: string, action: 'sync' | 'rebuild') => string | undefined;
}

/** Changes that nothing is done about until a person says so. Nothing in here is lost, and each file counts once. */
export class Hold {
  readonly #options: HoldOptions;
  readonly #files = new Map<string, Set<string>>();
  #paused:
    | {
        readonly changed: Set<string>;
        readonly removed: Set<string>;
        readonly modes: Set<string>;
      }
    | undefined;

  constructor(options: HoldOptions) {
    this.#options = options;
  }

  get isPaused(): boolean {
    return this.#paused !== undefined;
  }

  pause(): void {
    this.#paused ??= { changed: new Set(), removed: new Set(), modes: new Set() };
  }

  /** While it is paused: takes a batch. @returns every path that waits. */
  collect({ changed, removed, modes }: FileBatch): readonly string[] {
    const all = this.#paused;
    if (!all) return [];
    // The last word on a path counts: a file that is removed and written again is there.
    for (const path of changed) {
      all.changed.add(path);
      // Who has the one that was removed has its mode.
      if (all.removed.delete(path)) all.modes.add(path);
    }
    for (const path of removed) {
      all.removed.add(path);
      all.changed.delete(path);
    }
    for (const path of modes) all.modes.add(path);
    return [...all.changed, ...all.removed];
  }

  /** @returns what was collected, as one batch of now: how long it waited is the person's own time. */
  resume(now: number): FileBatch {
    const none = new Set<string>();
    const { changed = none, removed = none, modes = none } = this.#paused ?? {};
    this.#paused = undefined;
    const there = [...modes].filter((path) => changed.has(path));
    return { changed: [...changed], removed: [...removed], modes: there, firstEventAt: now };
  }

  /** @returns every path of the service that waits, and why, when this decision has to; undefined when it is to be acted on. */
  keep(
    { service, paths }: Pick<Extract<Decision, { service: string }>, 'service' | 'paths'>,
    action: 'sync' | 'rebuild',
  ): { readonly paths: readonly string[]; readonly because: string } | undefined {
    const because = this.#options.holds(service, action);
    if (because === undefined) return undefined;
    const all = new Set([...(this.#files.get(service) ?? []), ...paths]);
    this.#files.set(service, all);
    return { paths: [...all], because };
  }

  /** The service is built from the tree as it is: nothing of it waits any more. */
  release(service: string): void {
    this.#files.delete(service);
  }
}
