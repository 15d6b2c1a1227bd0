import type { Kube } from '../kube/kube.ts';
import type { AgentLink } from './agent-link.ts';
import type { FileStep } from './file-step.ts';
import { nodeProgram } from './node-agent.ts';
import { openAgent } from './open-agent.ts';
import { shellProgram } from './shell-agent.ts';
import type { AgentError, AgentProgram, SyncAgent } from './sync-agent.ts';
import type { SyncTarget } from './sync-target.ts';

/** What became of a batch. `failures` of an applied one are the container's own words, file by file. */
export type BatchResult =
  | { readonly kind: 'applied'; readonly failures: readonly FileFailure[] }
  /** The container, the agent in it or the connection ended; how much of the batch was written is not known. */
  | { readonly kind: 'broken'; readonly because: string };

export interface FileFailure extends AgentError {
  readonly to: string;
  readonly root: string;
}

export type ChannelOpening =
  | { readonly kind: 'open'; readonly channel: ContainerChannel }
  /** There is a container, but nothing in it that could take files. */
  | { readonly kind: 'unable'; readonly because: string }
  /** The container, or the way to it, is not there now. */
  | { readonly kind: 'gone'; readonly because: string };

/** How long an agent may be silent. */
export interface ChannelLimits {
  /** When it starts. */
  readonly helloMs: number;
  /** While it has a batch; an agent that takes bytes says so, however slow they come. */
  readonly silenceMs: number;
}

/** In the order of preference: node is ten times quicker. */
const programs: readonly AgentProgram[] = [nodeProgram, shellProgram];
const patience: ChannelLimits = { helloMs: 10_000, silenceMs: 30_000 };

/**
 * One process kept running in one container: batches go through it one after the other, each answered with what was
 * written. It ends with its container, its connection or its owner, and is never opened again: the owner opens another.
 */
export class ContainerChannel implements AsyncDisposable {
  readonly #link: AgentLink;
  readonly #agent: SyncAgent;
  readonly #limits: ChannelLimits;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(link: AgentLink, agent: SyncAgent, limits: ChannelLimits) {
    this.#link = link;
    this.#agent = agent;
    this.#limits = limits;
  }

  /**
   * Starts an agent in a container: the first one that runs there.
   *
   * @throws AbortError on abort; everything that can go wrong with a container is an outcome.
   */
  static async open(
    kube: Kube,
    target: SyncTarget,
    signal: AbortSignal,
    limits: ChannelLimits = patience,
  ): Promise<ChannelOpening> {
    const reasons: string[] = [];
    for (const program of programs) {
      const opening = await openAgent(kube, target, program, signal, limits.helloMs);
      switch (opening.kind) {
        case 'open':
          return { kind: 'open', channel: new ContainerChannel(opening.link, opening.agent, limits) };
        case 'absent':
          reasons.push(`there is no ${program.name} in it (tried ${program.interpreters.join(', ')})`);
          break;
        case 'unable':
          // Whoever may not start one program may not start another.
          if (!reasons.includes(opening.because)) reasons.push(opening.because);
          break;
        case 'gone':
          return opening;
      }
    }
    return { kind: 'unable', because: reasons.join(', and ') };
  }

  /** Whom the agent runs as: `1000:1000`. */
  get user(): string {
    return this.#agent.user;
  }

  /** Why it takes no more batches; undefined while it does. */
  get brokenBecause(): string | undefined {
    return this.#link.brokenBecause;
  }

  /**
   * Takes the steps in their order and resolves when the container has answered for all of them.
   *
   * @throws AbortError on abort, which before the first byte costs nothing and after it ends the channel: half a batch
   * can't be taken back.
   */
  send(steps: readonly FileStep[], signal: AbortSignal): Promise<BatchResult> {
    const done = this.#queue.then(() => this.#send(steps, signal));
    this.#queue = done.catch(() => {});
    return done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#link[Symbol.asyncDispose]();
  }

  async #send(steps: readonly FileStep[], signal: AbortSignal): Promise<BatchResult> {
    signal.throwIfAborted();
    if (this.#link.brokenBecause !== undefined) return { kind: 'broken', because: this.#link.brokenBecause };
    const abort = () => this.#link.break('a batch was aborted');
    signal.addEventListener('abort', abort, { once: true });
    const { silenceMs } = this.#limits;
    using _ = this.#link.expectMessages(silenceMs, `the sync agent said nothing for ${silenceMs / 1000} s`);
    try {
      const errors = await this.#agent.apply(steps);
      signal.throwIfAborted();
      const failures = steps.flatMap(({ to, root }, i) => {
        const error = errors[i];
        return error ? [{ to, root, ...error }] : [];
      });
      return { kind: 'applied', failures };
    } catch (error) {
      signal.throwIfAborted();
      // The session ended under the batch, or a local file could not be read to its end: half of it is in the container.
      const { message } = error as Error;
      this.#link.break(message);
      return { kind: 'broken', because: this.#link.brokenBecause ?? message };
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}
