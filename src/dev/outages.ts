import { statusOf } from '../engine/translate.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { ApiError } from '../kube/kube.ts';
import { backoff, wait } from '../lib/wait.ts';

/** The engine or the cluster being away is a state of the session: shown once, tried again, and shown when it is over. */
export class Outages {
  readonly #report: Reporter;
  readonly #since = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(report: Reporter) {
    this.#report = report;
  }

  /** Calls `listener` whenever something is back. @returns the function that ends it. */
  onResumed(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  lost(what: string, cause: unknown): void {
    if (this.#since.has(what)) return;
    this.#since.set(what, performance.now());
    this.#report({ type: 'session.lost', what, cause: cause instanceof Error ? cause.message : String(cause) });
  }

  resumed(what: string): void {
    const since = this.#since.get(what);
    if (since === undefined) return;
    this.#since.delete(what);
    this.#report({ type: 'session.resumed', what, ms: performance.now() - since });
    for (const listener of this.#listeners) listener();
  }

  /**
   * Does a task until it is not `what` being away that keeps it from being done.
   * @throws what the task throws for any other reason; AbortError.
   */
  async outlast<T>(what: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const delays = backoff(200, 5000);
    for (;;) {
      try {
        const result = await task();
        this.resumed(what);
        return result;
      } catch (error) {
        if (signal.aborted || !isAway(error)) throw error;
        this.lost(what, error);
      }
      await wait(delays.next(), signal);
    }
  }
}

/** An engine or a cluster that answers with 4xx is there, and would answer the same again; a login (401) can be renewed. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Failure) || error.kind !== 'unreachable') return false;
  if (!(error.cause instanceof ApiError)) return (statusOf(error) ?? 500) >= 500;
  const { status } = error.cause;
  return status >= 500 || [401, 408, 429].includes(status);
}
