import { setMaxListeners } from 'node:events';

/** For what must not be cut half-way. */
export const never = new AbortController().signal;
setMaxListeners(0, never);

/** @returns the AbortError that says that `signal` was aborted, with its reason as the cause. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('the operation was aborted', { cause: signal.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}

/**
 * A signal that is aborted with the first of its parents, or by itself. Dispose it as soon as what it guards has ended:
 * parents live as long as the session, and AbortSignal.any on Node.js 20 keeps every child that was ever listened to.
 */
export class LinkedSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #parents: readonly AbortSignal[];
  readonly #follow: () => void;

  constructor(...parents: readonly (AbortSignal | undefined)[]) {
    // All the requests of what it guards listen to it: Node.js takes more than ten for a leak.
    setMaxListeners(0, this.signal);
    this.#parents = parents.filter((parent) => parent !== undefined);
    this.#follow = () => this.abort(this.#parents.find((parent) => parent.aborted)?.reason);
    for (const parent of this.#parents) {
      if (parent.aborted) this.#follow();
      else parent.addEventListener('abort', this.#follow, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    for (const parent of this.#parents) parent.removeEventListener('abort', this.#follow);
  }
}

/** Awaits what others may be waiting for too: an abort ends this wait, and not the work. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  if (signal.aborted) throw abortError(signal);
  let abort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(abortError(signal));
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
