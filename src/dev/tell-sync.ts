import type { Reporter } from '../events.ts';
import type { SyncOutcome } from '../sync/syncer.ts';

/** Tells how files came into containers, and of a service whose containers take none why that is, once. */
export class SyncTeller {
  /** By service, what keeps its containers from taking any file. */
  readonly #lasting = new Map<string, string>();
  /** By service that has a container which could not be reached: how many files others of its containers have. */
  readonly #pending = new Map<string, number>();

  /** Reports how a service's files came into its containers, `savedAt` being when they were saved. */
  tell(report: Reporter, service: string, outcome: SyncOutcome, savedAt: number): void {
    const pending = this.#pending.get(service);
    this.#pending.delete(service);
    switch (outcome.kind) {
      case 'synced': {
        const { containers } = outcome;
        const files = Math.max(outcome.files, pending ?? 0);
        // Somebody else brought them a moment before, and told it.
        if (files === 0) return;
        this.#lasting.delete(service);
        report({ type: 'sync.done', service, files, containers, ms: performance.now() - savedAt });
        return;
      }
      case 'pending':
        this.#pending.set(service, Math.max(outcome.files, pending ?? 0));
        if (pending === undefined)
          report({ type: 'note', service, text: `not in a container yet: ${outcome.because}` });
        return;
      case 'needsRebuild': {
        const { because, next, lasting } = outcome;
        if (lasting !== undefined && this.#lasting.get(service) === lasting) return;
        if (lasting !== undefined) this.#lasting.set(service, lasting);
        report({ type: 'warning', service, text: `can't sync, needs a build: ${because}`, next });
        return;
      }
      case 'noContainers':
        report({ type: 'note', service, text: 'no container runs yet; it gets the file when it does' });
    }
  }
}
