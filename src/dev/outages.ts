import type { Reporter } from '../events.ts';
import { isOutage } from '../kube/outage.ts';
import { askedPauseMs } from '../kube/passing.ts';
import { outlast } from '../lib/outlast.ts';
import { ToldOutages } from '../up/told-outages.ts';

/** The engine or the cluster being away is a state of the session: shown once, tried again, and shown when it is over. */
export class Outages {
  readonly #told: ToldOutages;
  readonly #listeners = new Set<() => void>();

  constructor(report: Reporter) {
    this.#told = new ToldOutages(report);
  }

  /** Calls `listener` whenever something is back. @returns the function that ends it. */
  onResumed(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  lost(what: string, cause: unknown): void {
    this.#told.lost(what, cause);
  }

  resumed(what: string): void {
    if (!this.#told.resumed(what)) return;
    for (const listener of this.#listeners) listener();
  }

  /**
   * Does a task until it is not `what` being away that keeps it from being done.
   * @throws what the task throws for any other reason; AbortError.
   */
  async outlast<T>(what: string, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const lasting = (error: unknown) =>
      isOutage(error)
        ? { kind: 'away', forMs: Number.POSITIVE_INFINITY, pauseMs: askedPauseMs(error.cause) }
        : undefined;
    const onFailed = (error: unknown) => this.lost(what, error);
    const result = await outlast(task, { lasting, onFailed, firstPauseMs: 200, mostPauseMs: 5000 }, signal);
    this.resumed(what);
    return result;
  }
}
