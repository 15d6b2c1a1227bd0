import type { Reporter } from '../events.ts';

export interface NamespaceReturnsOptions {
  /** The project's own namespace. */
  readonly namespace: string;
  /** Whether a Namespace of that name stands by a manifest: an apply makes it, too. */
  readonly isApplied: (namespace: string) => boolean;
  /** Whether the config lets it be made again without a word from anybody. */
  readonly isWanted: boolean;
  /** Applies everything anew: waits for a namespace that still goes, and makes it again. */
  readonly restore: (signal: AbortSignal) => Promise<unknown>;
  readonly report: Reporter;
  /** Milliseconds of a clock that only goes on. Default: `performance.now()`. */
  readonly now?: () => number;
}

/** What brings back whatever somebody deleted. */
export const saveRestores = 'save one of the manifests: everything is applied again then';

/** How long a namespace that was made again has to stand before it is once more; twice as long each further time. */
const calmMs = 600_000;

/** Makes a namespace again that somebody else deletes, and never against one who goes on deleting it. */
export class NamespaceReturns {
  readonly #options: NamespaceReturnsOptions;
  /** By name, those that were made again since a person asked for something to be applied. */
  readonly #returned = new Map<string, { readonly at: number; readonly calmMs: number }>();

  constructor(options: NamespaceReturnsOptions) {
    this.#options = options;
  }

  /** A person asks for everything to be applied: whoever deletes it from now on may mean something else. */
  asked(): void {
    this.#returned.clear();
  }

  /** Tells of a namespace that somebody else deleted, and makes it again if that is right. @throws as `restore`. */
  async gone(namespace: string, signal: AbortSignal): Promise<void> {
    const { isWanted, isApplied, restore, report, now = () => performance.now() } = this.#options;
    const name = `namespace/${namespace}`;
    if (!isWanted || (namespace !== this.#options.namespace && !isApplied(namespace)))
      return report({
        type: 'warning',
        text: `${name} was deleted by somebody else, with everything in it`,
        next: saveRestores,
      });
    const last = this.#returned.get(namespace);
    if (last && now() - last.at < last.calmMs) {
      const text = `${name} was deleted by somebody else once more, soon after it was made again: it is left alone`;
      return report({ type: 'warning', text, next: saveRestores });
    }
    report({
      type: 'warning',
      text: `${name} was deleted by somebody else, with everything in it: all is applied again as soon as it has gone`,
      next: 'for what is to stay away, end this session, or set `restoreNamespace: false` in the config',
    });
    // Before it is there: whoever deletes it while its pods still start is to be noticed.
    this.#returned.set(namespace, { at: now(), calmMs: last ? last.calmMs * 2 : calmMs });
    await restore(signal);
  }
}
