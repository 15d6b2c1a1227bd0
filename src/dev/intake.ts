import type { Reporter } from '../events.ts';
import type { FileBatch } from '../watch/watch-files.ts';
import { decide, type Decision } from './decide.ts';
import { Hold, type HoldOptions } from './hold.ts';
import type { LoopGuard } from './loop-guard.ts';
import type { Tree } from './tree.ts';
import { shownPath } from './watch-roots.ts';

export interface IntakeOptions extends HoldOptions {
  /** Whether a person can ask for what waits. */
  readonly isAttended: boolean;
  /** Why nothing is watched; undefined: it is. */
  readonly unwatched: string | undefined;
  readonly report: Reporter;
}

/** What changed files lead to: it is decided and told at once, or waits until a person says so. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #tree: Tree;
  readonly #guard: LoopGuard;
  readonly #hold: Hold;
  readonly #act: (decision: Decision, savedAt: number) => void;

  /** @param act is called with what is to be done now, and with when it was saved (`performance.now()`). */
  constructor(
    options: IntakeOptions,
    tree: Tree,
    guard: LoopGuard,
    act: (decision: Decision, savedAt: number) => void,
  ) {
    this.#options = options;
    this.#tree = tree;
    this.#guard = guard;
    this.#hold = new Hold(options);
    this.#act = act;
  }

  take(batch: FileBatch): void {
    if (!this.#hold.isPaused) return this.#decide(batch);
    const { root } = this.#tree.plan.project;
    const paths = this.#hold.collect(batch).map((path) => shownPath(root, path));
    const next = 'press p to go on';
    return this.#options.report({ type: 'loop.held', service: undefined, paths, because: 'paused', next });
  }

  /** Whether a change of a service waits until a person asks; that it does is told. */
  isHeld(change: Parameters<Hold['keep']>[0], action: 'sync' | 'rebuild'): boolean {
    const held = this.#hold.keep(change, action);
    if (!held) return false;
    const next = this.#options.isAttended ? 'press r to rebuild' : undefined;
    this.#options.report({ type: 'loop.held', service: change.service, ...held, next });
    return true;
  }

  /** The service is built from the tree as it is: nothing of it waits any more. */
  release(service: string): void {
    this.#hold.release(service);
  }

  /** Stops deciding, or goes on with all that changed meanwhile. */
  togglePause(): void {
    const { report, unwatched } = this.#options;
    if (unwatched !== undefined) return report({ type: 'answer', text: `nothing is watched: ${unwatched}` });
    if (!this.#hold.isPaused) {
      this.#hold.pause();
      return report({ type: 'loop.paused' });
    }
    const batch = this.#hold.resume(performance.now());
    report({ type: 'loop.resumed', files: batch.changed.length + batch.removed.length });
    return this.#decide(batch);
  }

  #decide(batch: FileBatch): void {
    for (const decision of this.#guard.pass(decide(batch, this.#tree.ground), batch.firstEventAt))
      this.#pass(decision, batch.firstEventAt);
  }

  #pass(decision: Decision, savedAt: number): void {
    const isOfFiles = decision.action === 'sync' || decision.action === 'rebuild';
    if (isOfFiles && this.isHeld(decision, decision.action)) {
      // What needs no build does not wait for one.
      if (decision.action === 'rebuild' && decision.along) this.#pass(decision.along, savedAt);
      return;
    }
    this.#tell(decision);
    this.#act(decision, savedAt);
  }

  #tell(decision: Decision): void {
    const { root } = this.#tree.plan.project;
    const { action, because } = decision;
    const ofService = 'service' in decision;
    const paths = ofService ? decision.paths : decision.paths.map((path) => shownPath(root, path));
    const service = ofService ? decision.service : undefined;
    this.#options.report({ type: 'loop.decided', service, action, paths, because });
  }
}
