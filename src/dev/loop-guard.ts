import type { Reporter } from '../events.ts';
import type { Decision } from './decide.ts';
import { type EchoEvent, type EchoState, noEchoes, stepEchoes } from './echoes.ts';

type ServiceDecision = Extract<Decision, { action: 'sync' | 'rebuild' }>;
type SyncDecision = Extract<Decision, { action: 'sync' }>;

interface Entry {
  echoes: EchoState;
  /** While it is paused: what was saved since and not acted on. */
  held: readonly ServiceDecision[] | undefined;
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

  /** Goes on by a person's word; what was held is in the image that is built now. */
  resume(service: string): void {
    const entry = this.#entry(service);
    entry.held = undefined;
    entry.echoes = noEchoes;
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
      entry.held = [...entry.held, decision];
      return [];
    }
    const isLoop = this.#step(service, { type: 'saved', paths, at });
    if (entry.held) {
      const all = [...entry.held, decision];
      entry.held = undefined;
      this.#report({ type: 'note', service, text: `goes on: ${paths[0]} was saved` });
      return joined(all);
    }
    if (!isLoop) return [decision];
    entry.held = [decision];
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
function joined(decisions: readonly ServiceDecision[]): readonly ServiceDecision[] {
  const rebuild = decisions.findLast(({ action }) => action === 'rebuild');
  if (rebuild) return [rebuild];
  const syncs = decisions.filter((each): each is SyncDecision => each.action === 'sync');
  const [first] = syncs;
  if (!first) return [];
  // A file that was removed and is there again is read when it is sent; one that has gone by then is a removal.
  const files = new Map(
    syncs.flatMap(({ changed, removed }) => [...changed, ...removed]).map((file) => [file.to, file]),
  );
  const paths = [...new Set(syncs.flatMap((each) => each.paths))];
  return [{ ...first, paths, changed: [...files.values()], removed: [] }];
}
