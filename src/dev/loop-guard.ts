import type { Reporter } from '../events.ts';
import type { Decision, RebuildDecision, SyncDecision } from './decide.ts';
import { type EchoEvent, type EchoState, noEchoes, stepEchoes } from './echoes.ts';

type ServiceDecision = RebuildDecision | SyncDecision;

interface Entry {
  echoes: EchoState;
  /** While it is paused: what was saved since and not acted on, as one: it can go on for hours. */
  held: ServiceDecision | undefined;
}

/**
 * Holds a service back whose files something writes again and again, so that its builds or syncs would never end. It goes
 * on, with all that was held, at the first save of another of its files.
 */
export class LoopGuard {
  readonly #report: Reporter;
  readonly #entries = new Map<string, Entry>();

  constructor(report: Reporter) {
    this.#report = report;
  }

  /** @returns what is to be acted on of a batch's decisions, `at` (`performance.now()`) being when it was saved. */
  pass(decisions: readonly Decision[], at: number): readonly Decision[] {
    return decisions.flatMap((decision): readonly Decision[] =>
      decision.action === 'sync' || decision.action === 'rebuild' ? this.#passOne(decision, at) : [decision],
    );
  }

  /** Goes on by a person's word, for a build. @returns what was held of it that needs none, should it fail. */
  resume(service: string): SyncDecision | undefined {
    const entry = this.#entry(service);
    const { held } = entry;
    entry.held = undefined;
    entry.echoes = noEchoes;
    return held && syncOf(held);
  }

  begun(service: string, at: number = performance.now()): void {
    this.#step(service, { type: 'begun', at });
  }

  /** @returns what is to be called when the build under way has ended, and where it gave another image, its rollout. */
  ending(service: string): (at?: number) => void {
    const { build } = this.#entry(service).echoes;
    return (at = performance.now()) => {
      // A newer build may be under way by then.
      if (this.#entry(service).echoes.build?.begunAt === build?.begunAt) this.#step(service, { type: 'ended', at });
    };
  }

  #passOne(decision: ServiceDecision, at: number): readonly ServiceDecision[] {
    const { service, paths } = decision;
    const entry = this.#entry(service);
    if (entry.held && paths.every((path) => entry.echoes.paths.includes(path))) {
      entry.held = joined(entry.held, decision);
      return [];
    }
    const isLoop = this.#step(service, { type: 'saved', paths, at });
    if (entry.held) {
      const all = joined(entry.held, decision);
      entry.held = undefined;
      this.#report({ type: 'note', service, text: `goes on: ${paths[0]} was saved` });
      return [all];
    }
    if (!isLoop) return [decision];
    entry.held = decision;
    this.#tell(service, entry.echoes.paths);
    return [];
  }

  #tell(service: string, [first = '', ...more]: readonly string[]): void {
    const files = more.length === 0 ? first : `${first} and ${more.length} more`;
    this.#report({
      type: 'warning',
      service,
      text: `paused: something writes ${files} again and again, and each time leads to the next`,
      next: `end what writes it, or leave it out of the build and the sync rules; a save of another file of ${service}, or a rebuild that you ask for, goes on`,
    });
  }

  #step(service: string, event: EchoEvent): boolean {
    const entry = this.#entry(service);
    const { state, isLoop } = stepEchoes(entry.echoes, event);
    entry.echoes = state;
    return isLoop;
  }

  #entry(service: string): Entry {
    const entry = this.#entries.get(service) ?? { echoes: noEchoes, held: undefined };
    this.#entries.set(service, entry);
    return entry;
  }
}

/** One rebuild brings everything; without one, what was to be synced is synced at once, each file as it is now. */
function joined(older: ServiceDecision, newer: ServiceDecision): ServiceDecision {
  const sync = joinedSync(syncOf(older), syncOf(newer));
  const rebuild = [newer, older].find((each) => each.action === 'rebuild');
  if (rebuild) return { ...rebuild, ...(sync && { along: sync }) };
  return sync ?? newer;
}

function syncOf(decision: ServiceDecision): SyncDecision | undefined {
  return decision.action === 'sync' ? decision : decision.along;
}

function joinedSync(older: SyncDecision | undefined, newer: SyncDecision | undefined): SyncDecision | undefined {
  if (!older || !newer) return older ?? newer;
  // A file that was removed and is there again is read when it is sent; one that has gone by then is a removal.
  const files = new Map([...older.changed, ...older.removed].map((file) => [file.to, file]));
  const anew = new Set(older.removed.map(({ to }) => to));
  for (const file of [...newer.changed, ...newer.removed]) {
    const modeChanged = file.modeChanged ?? files.get(file.to)?.modeChanged ?? anew.has(file.to);
    files.set(file.to, modeChanged ? { ...file, modeChanged } : file);
  }
  const paths = [...new Set([...older.paths, ...newer.paths])];
  return { ...older, paths, changed: [...files.values()], removed: [] };
}
