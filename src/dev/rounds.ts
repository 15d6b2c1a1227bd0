import type { Reporter } from '../events.ts';
import { formatId, type ObjectId } from '../objects.ts';
import type { ApplyLoop, Round } from '../up/apply-loop.ts';
import { bringUp } from '../up/bring-up.ts';
import type { Outages } from './outages.ts';
import type { Rollouts } from './rollouts.ts';
import { tellFailure } from './tell-failure.ts';

export interface RoundsOptions {
  readonly apply: ApplyLoop;
  readonly rollouts: Rollouts;
  readonly outages: Outages;
  readonly report: Reporter;
  /** Resolves when a service's first build has ended, well or badly. */
  readonly attempted: (service: string) => Promise<void>;
}

/** What a session writes to the cluster: everything once, stage by stage; then what each change asks for. */
export class Rounds {
  readonly #options: RoundsOptions;
  #state: 'down' | 'rising' | 'up' = 'down';

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Whether everything was ready once: from then on what is applied is a change. */
  get isUp(): boolean {
    return this.#state === 'up';
  }

  /**
   * Brings everything up; one that failed is begun anew by the next call. @returns true when that is done, and false at
   * once when it was done before or is under way. @throws what `ApplyLoop.apply` throws, but for an outage.
   */
  async bringUp(signal: AbortSignal): Promise<boolean> {
    if (this.#state !== 'down') return false;
    this.#state = 'rising';
    try {
      await bringUp({
        loop: this.#options.apply,
        apply: () => this.#round(signal),
        imageOf: this.#options.attempted,
        wait: async (objects) => {
          await this.#options.rollouts.untilReady(objects, signal);
          return true;
        },
      });
    } catch (error) {
      this.#state = 'down';
      throw error;
    }
    this.#state = 'up';
    return true;
  }

  /** Applies a first image as soon as it is there; it is `bringUp` that waits for it. */
  async applyFirst(signal: AbortSignal): Promise<void> {
    await this.#round(signal);
  }

  /**
   * @returns whether a service's new image runs; false when it failed, a newer one took its place, or everything is still
   * being brought up: that waits for it then.
   */
  async applyImage(service: string, signal: AbortSignal): Promise<boolean> {
    const { isUp } = this;
    await this.#round(signal);
    if (!isUp) return false;
    // Another round, for a manifest that was saved meanwhile, may have taken them along.
    const own = this.#options.apply.standingOf(service);
    return own.length > 0 && (await this.#options.rollouts.follow(service, own, signal));
  }

  /**
   * Applies everything that the manifests ask for, and tells when what changed is ready. Everything, because a save is also
   * how a person says: put it back as it is written here.
   */
  async applyManifests(signal: AbortSignal): Promise<void> {
    this.#options.apply.forget();
    const changed = changedBy(await this.#round(signal));
    if (changed.length > 0) await this.#options.rollouts.follow('manifests', changed, signal);
  }

  async #round(signal: AbortSignal): Promise<Round> {
    const { apply, outages, report } = this.#options;
    const round = await outages.outlast('the cluster', () => apply.apply(), signal);
    for (const { id, failure } of round.applied.refused) {
      const planned = round.planned.find(({ object }) => isSame(object, id));
      tellFailure(report, failure, planned?.services[0] ?? formatId(id), id);
    }
    return round;
  }
}

function changedBy({ applied }: Round): readonly ObjectId[] {
  return [...applied.created, ...applied.changed];
}

/** Whether a manifest, which may leave its namespace out, is the object of that id. */
function isSame(
  {
    kind,
    metadata,
  }: { readonly kind: string; readonly metadata: { readonly name: string; readonly namespace?: string } },
  id: ObjectId,
): boolean {
  return kind === id.kind && metadata.name === id.name && (metadata.namespace ?? id.namespace) === id.namespace;
}
