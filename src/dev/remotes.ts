import type { Reporter } from '../events.ts';

/** Tells of each thing that manifests are made of, and that lies where no watch sees it, once in a session. */
export class Remotes {
  readonly #report: Reporter;
  readonly #told = new Set<string>();

  constructor(report: Reporter) {
    this.#report = report;
  }

  tell(remote: readonly string[]): void {
    const fresh = remote.filter((each) => !this.#told.has(each));
    if (fresh.length === 0) return;
    for (const each of fresh) this.#told.add(each);
    const what = fresh.length === 1 ? 'it changes' : 'they change';
    this.#report({
      type: 'note',
      text: `fetched, not watched: ${fresh.join(', ')}; the key d takes over when ${what}`,
    });
  }
}
