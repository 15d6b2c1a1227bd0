import type { ExecSession, Kube } from '../kube/kube.ts';
import { type AgentAnswer, type AgentError, type AgentHello, readMessages } from './agent-protocol.ts';
import { agentSource } from './agent.ts';
import { judgeEnd, judgeRefusal } from './channel-end.ts';
import type { FileStep } from './file-step.ts';
import { sendBatch } from './send-batch.ts';
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

/** Distroless images have node, and not always a PATH that leads to it. */
const nodes = ['node', '/nodejs/bin/node', '/usr/local/bin/node'];
const wordsKept = 2000;

/**
 * One process kept running in one container: batches go through it one after the other, each answered with what was
 * written. It ends with its container, its connection or its owner, and is never opened again: the owner opens another.
 */
export class ContainerChannel implements AsyncDisposable {
  readonly #session: ExecSession;
  readonly #life: AbortController;
  readonly #answers = new Map<number, (answer: AgentAnswer) => void>();
  readonly #hello: Promise<AgentHello>;
  /** Resolves, with the reason, when nothing can be sent any more. */
  readonly #broken: Promise<string>;
  readonly #reading: Promise<unknown>;
  #brokenBecause: string | undefined;
  #runsAs: AgentHello | undefined;
  /** The end of what the agent printed to its standard error: its own, or that of a preload in NODE_OPTIONS. */
  #words = '';
  #batches = 0;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(session: ExecSession, life: AbortController) {
    this.#session = session;
    this.#life = life;
    let greet: (hello: AgentHello) => void = () => {};
    this.#hello = new Promise((resolve) => {
      greet = resolve;
    });
    this.#reading = Promise.allSettled([this.#readAnswers(greet), this.#readWords()]);
    this.#broken = session.ended.then(
      ({ exitCode, message }) => message ?? `the sync agent ended with exit code ${exitCode}`,
      (error: Error) => error.message,
    );
    void this.#broken.then((because) => {
      this.#brokenBecause ??= because;
    });
  }

  /**
   * Starts the agent in a container, by the first node that is there.
   *
   * @throws AbortError on abort; everything that can go wrong with a container is an outcome.
   */
  static async open(kube: Kube, target: SyncTarget, signal: AbortSignal): Promise<ChannelOpening> {
    for (const node of nodes) {
      const opening = await ContainerChannel.#start(kube, target, node, signal);
      if (opening.kind !== 'absent') return opening;
    }
    return { kind: 'unable', because: `there is no node in it (tried ${nodes.join(', ')})` };
  }

  static async #start(
    kube: Kube,
    { namespace, pod, container }: SyncTarget,
    node: string,
    signal: AbortSignal,
  ): Promise<ChannelOpening | { readonly kind: 'absent' }> {
    signal.throwIfAborted();
    const life = new AbortController();
    const abort = () => life.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const command = [node, '-e', agentSource];
      const session = await kube.exec({ namespace, pod, container, command, stdin: true }, life.signal);
      const channel = new ContainerChannel(session, life);
      channel.#runsAs = await Promise.race([channel.#hello, channel.#broken.then(() => undefined)]);
      if (channel.#runsAs && !signal.aborted) return { kind: 'open', channel };
      await channel[Symbol.asyncDispose]();
      signal.throwIfAborted();
      return judgeEnd(await session.ended, channel.#words);
    } catch (error) {
      signal.throwIfAborted();
      return judgeRefusal(error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Whom the agent runs as: `1000:1000`. */
  get user(): string {
    return this.#runsAs ? `${this.#runsAs.uid}:${this.#runsAs.gid}` : 'an unknown user';
  }

  /** Why it takes no more batches; undefined while it does. */
  get brokenBecause(): string | undefined {
    return this.#brokenBecause;
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#brokenBecause ??= 'its channel was closed';
    this.#life.abort();
    await this.#session[Symbol.asyncDispose]();
    await this.#reading;
  }

  async #send(steps: readonly FileStep[], signal: AbortSignal): Promise<BatchResult> {
    signal.throwIfAborted();
    if (this.#brokenBecause !== undefined) return { kind: 'broken', because: this.#brokenBecause };
    const abort = () => this.#life.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const id = ++this.#batches;
    const answered = new Promise<AgentAnswer>((resolve) => this.#answers.set(id, resolve));
    try {
      const hashes = await sendBatch({ write: (bytes) => this.#write(bytes) }, id, steps);
      const answer = await Promise.race([answered, this.#broken]);
      signal.throwIfAborted();
      if (typeof answer === 'string') return { kind: 'broken', because: answer };
      return { kind: 'applied', failures: findFailures(steps, hashes, answer) };
    } catch (error) {
      signal.throwIfAborted();
      // The session ended under the write, or a local file could not be read to its end: half of it is in the container.
      this.#life.abort(error);
      return { kind: 'broken', because: (this.#brokenBecause ??= (error as Error).message) };
    } finally {
      signal.removeEventListener('abort', abort);
      this.#answers.delete(id);
    }
  }

  /** How the session ended says more than that a write failed because of it. */
  async #write(bytes: Buffer): Promise<void> {
    try {
      await this.#session.write(bytes);
    } catch (error) {
      throw new Error(await this.#broken, { cause: error });
    }
  }

  async #readAnswers(greet: (hello: AgentHello) => void): Promise<void> {
    try {
      for await (const message of readMessages(this.#session.stdout)) {
        if ('ready' in message) greet(message);
        else this.#answers.get(message.id)?.(message);
      }
    } catch (error) {
      this.#brokenBecause ??= `its answer can't be read: ${(error as Error).message}`;
      this.#life.abort(error);
    }
  }

  async #readWords(): Promise<void> {
    for await (const chunk of this.#session.stderr) {
      this.#words = (this.#words + chunk.toString('utf8')).slice(-wordsKept);
    }
  }
}

function findFailures(
  steps: readonly FileStep[],
  hashes: readonly (string | undefined)[],
  { results }: AgentAnswer,
): readonly FileFailure[] {
  return steps.flatMap(({ to, root }, i) => {
    const result = results[i];
    if (!result) return [{ to, root, code: 'EMISSING', message: 'the container did not answer for it' }];
    if ('code' in result) return [{ to, root, ...result }];
    if (result.sha256 === hashes[i]) return [];
    return [{ to, root, code: 'EMISMATCH', message: 'the container wrote other bytes than were sent' }];
  });
}
