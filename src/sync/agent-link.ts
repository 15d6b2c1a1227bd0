import type { ExecEnd, ExecSession } from '../kube/kube.ts';
import { Channel } from '../lib/channel.ts';

/** Every message of an agent begins with it: what else a container prints on the same stream is no message. */
const messageMark = '\u0001stormctl ';

const wordsKept = 2000;

/** Bytes to an agent, and its messages back: lines that begin with {@link messageMark}. */
export class AgentLink implements AsyncDisposable {
  /** Resolves, with the reason, when the session has ended. */
  readonly broken: Promise<string>;
  readonly #session: ExecSession;
  readonly #life: AbortController;
  readonly #messages = new Channel<string>();
  readonly #next: AsyncIterator<string, void, void> = this.#messages[Symbol.asyncIterator]();
  readonly #reading: Promise<unknown>;
  #brokenBecause: string | undefined;
  /** The end of what was printed to the standard error: by the agent, or by a preload in NODE_OPTIONS. */
  #words = '';
  #heard: () => void = () => {};

  /** @param life its abort ends the session. */
  constructor(session: ExecSession, life: AbortController) {
    this.#session = session;
    this.#life = life;
    this.broken = session.ended.then(
      ({ exitCode, message }) => message ?? `the sync agent ended with exit code ${exitCode}`,
      (error: Error) => error.message,
    );
    void this.broken.then((because) => this.#note(because));
    this.#reading = Promise.allSettled([this.#readMessages(), this.#readWords()]);
  }

  /** Why nothing can be sent any more; undefined while it can. */
  get brokenBecause(): string | undefined {
    return this.#brokenBecause;
  }

  get words(): string {
    return this.#words;
  }

  /** How the session ended; waits for it. */
  get ended(): Promise<ExecEnd> {
    return this.#session.ended;
  }

  /** @throws how the session ended, which says more than that a write failed because of it. */
  async write(bytes: Buffer): Promise<void> {
    try {
      await this.#session.write(bytes);
    } catch (error) {
      const because = await this.broken;
      throw new Error(this.#brokenBecause ?? because, { cause: error });
    }
  }

  /** The next message, without its mark. @throws how the session ended, when it did before. */
  async next(): Promise<string> {
    const { done, value } = await this.#next.next();
    if (done !== true) return value;
    const because = await this.broken;
    throw new Error(this.#brokenBecause ?? because);
  }

  /**
   * Breaks the link when no message comes for so long, until disposed. Pings can't tell: a server answers them for a
   * container that is frozen, and none are sent while bytes wait to be taken.
   */
  expectMessages(limitMs: number, because: string): Disposable {
    let heard = false;
    const timer = setTimeout(() => {
      heard = false;
      // If this process itself was held up, the message may have arrived and be unread: the loop reads it before this runs.
      setImmediate(() => {
        if (!heard) this.break(because);
      });
    }, limitMs);
    this.#heard = () => {
      heard = true;
      timer.refresh();
    };
    return {
      [Symbol.dispose]: () => {
        heard = true;
        clearTimeout(timer);
        this.#heard = () => {};
      },
    };
  }

  /** Ends the session at once. The first reason that is given stays. */
  break(because: string): void {
    this.#note(because);
    this.#life.abort(new Error(because));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.break('its channel was closed');
    await this.#session[Symbol.asyncDispose]();
    await this.#reading;
  }

  #note(because: string): void {
    this.#brokenBecause ??= because;
  }

  async #readMessages(): Promise<void> {
    try {
      for await (const message of readMessages(this.#session.stdout)) {
        this.#heard();
        this.#messages.push(message);
      }
    } finally {
      this.#messages.close();
    }
  }

  async #readWords(): Promise<void> {
    for await (const chunk of this.#session.stderr) {
      this.#words = (this.#words + chunk.toString('utf8')).slice(-wordsKept);
    }
  }
}

/** The messages in what a container prints, cut anywhere; other lines are nobody's. */
async function* readMessages(stdout: AsyncIterable<Buffer>): AsyncGenerator<string, void, void> {
  let parts: Buffer[] = [];
  for await (const chunk of stdout) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, at)]).toString('utf8');
      parts = [];
      from = at + 1;
      // What a container prints without a newline can stand before it on the same line.
      const mark = line.indexOf(messageMark);
      if (mark >= 0) yield line.slice(mark + messageMark.length);
    }
    if (from < chunk.length) parts.push(Buffer.from(chunk.subarray(from)));
  }
}
