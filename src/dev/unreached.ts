import type { Scope } from '../lib/scope.ts';
import { backoff, wait } from '../lib/wait.ts';

/**
 * The services with a container that could not be reached: looked at again, ever less often, until nobody is missing. A way
 * to a container can break and come back without any pod having changed.
 */
export class Unreached {
  readonly #look: () => void;
  readonly #scope: Scope;
  readonly #services = new Map<string, { readonly delays: ReturnType<typeof backoff>; isWaiting: boolean }>();

  /** @param look is called when it is time for another look; `remove` or `add` is to be called for what it finds. */
  constructor(look: () => void, scope: Scope) {
    this.#look = look;
    this.#scope = scope;
  }

  add(service: string): void {
    const entry = this.#services.get(service) ?? { delays: backoff(200, 5000), isWaiting: false };
    this.#services.set(service, entry);
    if (!entry.isWaiting) {
      entry.isWaiting = true;
      this.#scope.run(
        async (signal) => {
          await wait(entry.delays.next(), signal);
          entry.isWaiting = false;
          if (this.#services.get(service) === entry) this.#look();
        },
        // Nothing but the scope's end can end the wait.
        () => {},
      );
    }
  }

  remove(service: string): void {
    this.#services.delete(service);
  }
}
