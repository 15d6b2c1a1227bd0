import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * The user's wish to stop. The first signal aborts `signal`, so that the command ends what it started; the second,
 * unless it is a SIGHUP, settles `second`, so that it stops waiting for that. The process itself is ended by the entry
 * point.
 */
export class Interrupts implements Disposable {
  readonly second: Promise<number>;
  readonly #controller = new AbortController();
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  #exitCode: number | undefined;

  constructor() {
    // Whatever the command waits for listens to it.
    setMaxListeners(0, this.signal);
    let settle: (code: number) => void = () => {};
    this.second = new Promise((resolve) => {
      settle = resolve;
    });
    for (const name of signals) {
      const listener = () => {
        const code = 128 + constants.signals[name];
        if (this.#exitCode !== undefined) {
          // A window that is closed sends it twice, from the shell and from the kernel: that is one wish.
          if (name !== 'SIGHUP') settle(this.#exitCode);
          return;
        }
        this.#exitCode = code;
        this.#controller.abort(new Interrupted(name));
      };
      this.#listeners.set(name, listener);
      process.on(name, listener);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 130, 143 or 129 once a signal came: 128 and its number, as shells count. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** What SIGINT does: a terminal in raw mode sends Ctrl+C as a key. */
  interrupt(): void {
    this.#listeners.get('SIGINT')?.();
  }

  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }
}

/** Why a command was aborted: the reason of its signal. */
export class Interrupted extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(signal === 'SIGINT' ? 'Ctrl+C' : signal);
    // What waits on the signal rejects with this error, and it is an abort to all of them.
    this.name = 'AbortError';
    this.signal = signal;
  }
}
