import { basename } from 'node:path';
import type { Reporter } from '../events.ts';
import { singleFlight } from '../lib/single-flight.ts';
import type { Input } from './inputs.ts';
import type { LoopWork } from './loop-work.ts';
import { tellFailure } from './tell-failure.ts';
import type { Tree } from './tree.ts';

export interface RereadsOptions extends Pick<LoopWork, 'replan' | 'reconfigure'> {
  readonly tree: Tree;
  readonly push: (input: Input) => void;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/** Reads again what the session was planned by. What is read comes as an input; what can't be is told, and nothing changes. */
export class Rereads {
  /** Renders the manifests: one at a time, so that an older render never comes after a newer one. */
  readonly replan: () => Promise<void>;
  /** Reads the config: one at a time, too. */
  readonly reconfigure: () => Promise<void>;
  readonly #options: RereadsOptions;

  constructor(options: RereadsOptions) {
    this.#options = options;
    this.replan = singleFlight(() => this.#replan());
    this.reconfigure = singleFlight(() => this.#reconfigure());
  }

  async #replan(): Promise<void> {
    const { replan, tree, push, report, signal } = this.#options;
    try {
      push({ type: 'planned', plan: await replan(tree.plan.services, signal) });
    } catch (error) {
      signal.throwIfAborted();
      tellFailure(report, error);
    }
  }

  async #reconfigure(): Promise<void> {
    const { reconfigure, tree, push, report, signal } = this.#options;
    try {
      const project = await reconfigure(signal);
      const file = basename(tree.plan.project.file);
      report({ type: 'note', text: `${file} saved: ${project ? 'the session goes on by it' : 'nothing changes'}` });
      if (project) push({ type: 'reconfigured', project });
    } catch (error) {
      signal.throwIfAborted();
      tellFailure(report, error);
      report({ type: 'note', text: 'the session goes on with the config as it was' });
    }
  }
}
