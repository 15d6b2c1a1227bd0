import type { Reporter } from '../events.ts';
import { LinkedSignal } from '../lib/abort.ts';
import type { Scope } from '../lib/scope.ts';
import type { Input } from './inputs.ts';
import { type ServiceEvent, type ServiceState, stepService, type Work } from './service-state.ts';

export interface DeliveriesOptions {
  /** Builds and ships a service. @returns the reference that its pods shall run. */
  readonly deliver: (service: string, work: Work, signal: AbortSignal) => Promise<string>;
  /** Takes how a delivery ended; `ended` or `aborted` is to be called for it in turn. */
  readonly push: (input: Input) => void;
  readonly report: Reporter;
  /** Ends the builds that are under way. */
  readonly scope: Scope;
}

interface Entry {
  state: ServiceState;
  abort: AbortController | undefined;
  readonly attempted: Promise<void>;
  isAttempted: boolean;
  readonly setAttempted: () => void;
}

/** The builds of a session: one in flight a service, each aborted by what makes it stale (`stepService`). */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  rebuild(service: string, work: Work): void {
    this.#step(service, { type: 'rebuild', work });
  }

  /** The delivery under way ended by itself. */
  ended(service: string): void {
    const entry = this.#entry(service);
    entry.isAttempted = true;
    entry.setAttempted();
    this.#step(service, { type: 'ended' });
  }

  aborted(service: string): void {
    this.#step(service, { type: 'aborted' });
  }

  /** Whether `attempted` has resolved. */
  isAttempted(service: string): boolean {
    return this.#entry(service).isAttempted;
  }

  /** Resolves when the first build of a service that ran to its end has ended, well or badly; rejects when the scope ends. */
  attempted(service: string): Promise<void> {
    return this.#entry(service).attempted;
  }

  #step(service: string, event: ServiceEvent): void {
    const entry = this.#entry(service);
    const { state, action } = stepService(entry.state, event);
    entry.state = state;
    if (action.type === 'abort') {
      this.#options.report({ type: 'build.aborted', service, because: 'a newer save makes it stale' });
      entry.abort?.abort();
    }
    if (action.type === 'start') this.#start(service, entry, action.work);
  }

  #start(service: string, entry: Entry, work: Work): void {
    const { deliver, push, scope } = this.#options;
    const abort = new AbortController();
    entry.abort = abort;
    scope.run(
      async (signal) => {
        using either = new LinkedSignal(signal, abort.signal);
        try {
          const pinned = await deliver(service, work, either.signal);
          push({ type: 'delivered', service, pinned, work });
        } catch (error) {
          if (signal.aborted) return;
          push(abort.signal.aborted ? { type: 'aborted', service } : { type: 'undelivered', service, error });
        }
      },
      (error) => push({ type: 'failed', error }),
    );
  }

  #entry(service: string): Entry {
    const known = this.#entries.get(service);
    if (known) return known;
    const { signal } = this.#options.scope;
    let setAttempted = () => {};
    const attempted = new Promise<void>((resolve, reject) => {
      setAttempted = resolve;
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    // Whoever awaits it gets the error; that nobody does is no fault.
    attempted.catch(() => {});
    const entry: Entry = { state: { kind: 'idle' }, abort: undefined, attempted, isAttempted: false, setAttempted };
    this.#entries.set(service, entry);
    return entry;
  }
}
