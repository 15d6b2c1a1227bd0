import type { Report, Reporter } from '../events.ts';
import { formatId, keyOf, type ObjectId } from '../objects.ts';

/** What the applies of a command did to the cluster as far as its reports tell, also of one that failed or was interrupted. */
export class WhatWasDone {
  readonly #project: string;
  readonly #created = new Map<string, ObjectId>();
  readonly #changed = new Map<string, ObjectId>();
  readonly #replaced = new Map<string, ObjectId>();
  readonly #pruned = new Map<string, ObjectId>();
  readonly #kept = new Map<string, { readonly id: ObjectId; readonly because: string }>();
  readonly #waiting = new Map<string, string>();
  #unchanged = 0;

  constructor(project: string) {
    this.#project = project;
  }

  /** @returns a reporter that passes everything on. */
  listen(report: Reporter): Reporter {
    return (each) => {
      this.#learn(each);
      report(each);
    };
  }

  /** As `-o json` tells it at the end. */
  facts(): Readonly<Record<string, unknown>> {
    return {
      created: [...this.#created.values()],
      changed: [...this.#changed.values()],
      replaced: [...this.#replaced.values()],
      unchanged: this.#unchanged,
      pruned: [...this.#pruned.values()],
      kept: [...this.#kept.values()],
    };
  }

  /** What an interrupt leaves: what was waited for, and what removes what was applied. */
  left(): readonly string[] {
    const applied = `what it had applied of ${this.#project}: \`stormctl delete\` removes it`;
    // An apply tells what it wrote when it has ended, and a second Ctrl+C comes before that.
    const unknown = `nothing of ${this.#project} that is known of; what an apply under way wrote, \`stormctl delete\` removes`;
    const hasWritten = this.#created.size + this.#changed.size + this.#pruned.size > 0;
    return [...this.#waiting.values(), hasWritten ? applied : unknown];
  }

  #learn(report: Report): void {
    switch (report.type) {
      case 'deploy.kept':
        return void this.#kept.set(keyOf(report.object), { id: report.object, because: report.because });
      case 'deploy.ready':
        return void this.#waiting.delete(keyOf(report.object));
      case 'deploy.waiting':
        return void this.#waiting.set(
          keyOf(report.object),
          `${formatId(report.object)}, still waited for: ${report.because}`,
        );
      case 'deploy.applied':
        return this.#applied(report);
      default:
    }
  }

  #applied({ created, changed, replaced, unchanged, pruned }: Extract<Report, { type: 'deploy.applied' }>): void {
    for (const [known, ids] of [
      [this.#created, created],
      [this.#changed, changed],
      [this.#replaced, replaced],
      [this.#pruned, pruned],
    ] as const)
      for (const id of ids) known.set(keyOf(id), id);
    this.#unchanged += unchanged;
  }
}
