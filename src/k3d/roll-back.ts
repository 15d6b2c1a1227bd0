import type { Reporter } from '../events.ts';

/** Remembers how to take back what was made, and does it in reverse order when the whole did not come about. */
export class RollBack {
  readonly #steps: { readonly what: string; readonly undo: () => Promise<void> }[] = [];

  /** @param what for the warning, and as the user would remove it: `docker rm -f NAME`. */
  add(what: string, undo: () => Promise<void>): void {
    this.#steps.push({ what, undo });
  }

  /** Never throws: what can't be taken back is a warning, and does not keep the rest from it. */
  async run(report: Reporter): Promise<void> {
    if (this.#steps.length > 0) report({ type: 'note', text: 'removing what was made of the cluster' });
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        report({ type: 'warning', text: `left behind by a cluster that was not made: ${why}`, next: step.what });
      }
    }
  }
}
