import { setMaxListeners } from 'node:events';

/**
 * Owns what it is given and ends it. `signal` is aborted first, so that whatever waits stops waiting; then the background
 * tasks are awaited, and then every owned thing is ended, in reverse order. A scope that is given a parent's signal is
 * aborted with it, and can end before it.
 *
 * @example
 * await using scope = new Scope(parent.signal);
 * const server = scope.own(await listen(scope.signal), (s) => s.close());
 */
export class Scope implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #endings: (() => unknown)[] = [];
  readonly #tasks = new Set<Promise<void>>();
  #ended: Promise<void> | undefined;

  /** @param parent aborts this scope's signal when it is aborted; it does not dispose it. */
  constructor(parent?: AbortSignal) {
    // Everything that waits in a scope listens to its signal: many listeners are its purpose, no leak.
    setMaxListeners(0, this.signal);
    if (!parent) return;
    const abort = () => this.#controller.abort(parent.reason);
    if (parent.aborted) abort();
    parent.addEventListener('abort', abort, { once: true });
    this.#endings.push(() => parent.removeEventListener('abort', abort));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends `resource` with the scope, by `end` or by its own `Symbol.asyncDispose`. */
  own<T>(resource: T, end: (resource: T) => unknown): T;
  own<T extends AsyncDisposable>(resource: T): T;
  own<T>(resource: T, end?: (resource: T) => unknown): T {
    this.#endings.push(() => (end ? end(resource) : (resource as AsyncDisposable)[Symbol.asyncDispose]()));
    return resource;
  }

  /**
   * Runs a background task that ends with the scope. Once the scope is ending its abort is no error.
   * Anything else that the task throws goes to `onError`, and is never lost.
   */
  run(task: (signal: AbortSignal) => Promise<void>, onError: (error: unknown) => void): void {
    const done = task(this.signal)
      .catch((error: unknown) => {
        if (!this.signal.aborted) onError(error);
      })
      .finally(() => this.#tasks.delete(done));
    this.#tasks.add(done);
  }

  /** Ends everything, once; every caller awaits the same end. Throws the first error after all endings have run. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.#controller.abort();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    const errors: unknown[] = [];
    for (let end = this.#endings.pop(); end; end = this.#endings.pop()) {
      try {
        await end();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
