import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import type { Scope } from '../lib/scope.ts';
import type { Service } from '../project.ts';
import type { SyncDecision } from './decide.ts';
import { FollowUps } from './follow-ups.ts';
import type { Input } from './inputs.ts';
import type { Work } from './service-state.ts';
import type { ServiceSync } from './service-sync.ts';
import { SyncTeller } from './tell-sync.ts';
import { Unreached } from './unreached.ts';

type Synced = Extract<Input, { type: 'synced' }>;

export interface SyncsOptions {
  readonly kube: Kube;
  readonly sync: ServiceSync;
  readonly report: Reporter;
  /** Ends what is under way. */
  readonly scope: Scope;
  /** Takes how a sync ended; `ended` is to be called for it in turn. `pods`: it is time for another look. */
  readonly push: (input: Synced | { readonly type: 'pods' }) => void;
  readonly serviceOf: (name: string) => Service | undefined;
}

/** The syncs of a session: begun by a save or by a container that is new, told and followed up when they have ended. */
export class Syncs {
  readonly #options: SyncsOptions;
  readonly #followUps: FollowUps;
  readonly #unreached: Unreached;
  readonly #teller = new SyncTeller();

  constructor(options: SyncsOptions) {
    const { sync, push, scope } = options;
    this.#options = options;
    this.#followUps = new FollowUps({ ...options, targets: (service) => sync.targets(service) });
    this.#unreached = new Unreached(() => push({ type: 'pods' }), scope);
  }

  /** Brings saved files to the containers that run now. @throws AbortError. */
  async bring(decision: SyncDecision, savedAt: number, signal: AbortSignal): Promise<void> {
    const { sync, push } = this.#options;
    const { service, paths } = decision;
    const containers = sync.targets(service);
    const outcome = await sync.sync(decision, signal);
    push({ type: 'synced', service, paths, outcome, work: { because: `${paths[0]} changed`, savedAt }, containers });
  }

  /** Containers that came or restarted since the last look get what was synced to those before them. @throws AbortError. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { sync, push } = this.#options;
    for (const { service, outcome, containers } of await sync.prepare(signal)) {
      // Nothing was saved just now: what is told is how long the container was without it.
      const savedAt = performance.now() - (outcome.kind === 'synced' ? outcome.ms : 0);
      const work = { because: 'a new container can not take what was synced', savedAt };
      push({ type: 'synced', service, paths: [], outcome, work, containers });
    }
  }

  /** Tells how a sync ended. @returns the build that has to bring what it could not. */
  ended({ service: name, outcome, work, containers }: Synced): Work | undefined {
    const service = this.#options.serviceOf(name);
    const tell: Reporter = (report) => {
      if (report.type === 'sync.done' && service) this.#followUps.synced(service, report, containers);
      else this.#options.report(report);
    };
    if (outcome.kind === 'pending') this.#unreached.add(name);
    else this.#unreached.remove(name);
    this.#teller.tell(tell, name, outcome, work.savedAt);
    if (outcome.kind !== 'needsRebuild') return undefined;
    // Why is told at the first one alone.
    const more = outcome.lasting === undefined ? '' : ", and its container can't be synced";
    return { ...work, because: work.because + more };
  }
}
