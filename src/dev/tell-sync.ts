import type { Reporter } from '../events.ts';
import type { SyncOutcome } from '../sync/syncer.ts';

/** Reports how a service's files came into its containers, `savedAt` being when they were saved. */
export function tellSync(report: Reporter, service: string, outcome: SyncOutcome, savedAt: number): void {
  switch (outcome.kind) {
    case 'synced': {
      const { files, containers } = outcome;
      // Somebody else brought them a moment before, and told it.
      if (files === 0) return;
      report({ type: 'sync.done', service, files, containers, ms: performance.now() - savedAt });
      return;
    }
    case 'pending':
      report({ type: 'note', service, text: `not in a container yet: ${outcome.because}` });
      return;
    case 'needsRebuild': {
      const text = `can't sync, building instead: ${outcome.because}`;
      report({ type: 'warning', service, text, next: outcome.next });
      return;
    }
    case 'noContainers':
      report({ type: 'note', service, text: 'no container runs yet; it gets the file when it does' });
  }
}
