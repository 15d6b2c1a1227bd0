import type { Applied, Applier } from '../deploy/applier.ts';
import { stringifyJson } from '../lib/json.ts';
import { singleFlight } from '../lib/single-flight.ts';
import { repositoryOf } from '../manifests/images.ts';
import type { Launch } from '../manifests/supervise.ts';
import { idOf, keyOf, type ObjectId } from '../objects.ts';
import { finishObject } from './finish-object.ts';
import type { Plan, PlannedObject } from './plan.ts';

/**
 * The one applier of a project. A round takes every object whose images are all known and whose stage is open, and that
 * differs from what the last round wrote; rounds never overlap, and none is cut half-way. An object whose image is not
 * there yet, because its build is under way or failed, is left as it runs.
 */
export class ApplyLoop {
  readonly #applier: Applier;
  readonly #signal: AbortSignal;
  readonly #images = new Map<string, string>();
  /** By pinned reference. */
  readonly #launches = new Map<string, Launch>();
  /** What stands in the cluster by our hand: the object as it was last accepted, and the id under which it lives. */
  readonly #written = new Map<string, { readonly text: string; readonly id: ObjectId }>();
  readonly #round: () => Promise<Round>;
  #plan: Plan;
  #openStages = 0;
  /** The last plan that was pruned for and left nothing to write: until something changes, a round of it has nothing to do. */
  #settled: Plan | undefined;

  constructor(options: { readonly applier: Applier; readonly plan: Plan; readonly signal: AbortSignal }) {
    this.#applier = options.applier;
    this.#plan = options.plan;
    this.#signal = options.signal;
    this.#round = singleFlight(() => this.#apply());
  }

  get plan(): Plan {
    return this.#plan;
  }

  /** @returns the reference that pods of a service shall run, once there is one. */
  imageOf(service: string): string | undefined {
    const image = this.#plan.services.find((planned) => planned.service.name === service)?.service.image;
    return image === undefined ? undefined : this.#images.get(repositoryOf(image));
  }

  /** From the next round on the service's objects run `pinned`. */
  setImage(service: string, pinned: string): void {
    const image = this.#plan.services.find((planned) => planned.service.name === service)?.service.image;
    if (image !== undefined) this.#images.set(repositoryOf(image), pinned);
  }

  /** Wherever `pinned` runs from now on, it runs under a supervisor. */
  setLaunch(pinned: string, launch: Launch): void {
    this.#launches.set(pinned, launch);
  }

  /** From the next round on these are the objects. One that was left out meanwhile is written anew when it is back. */
  setPlan(plan: Plan): void {
    this.#plan = plan;
    const there = this.#keys();
    for (const key of this.#written.keys()) if (!there.has(key)) this.#written.delete(key);
  }

  /** The next round writes everything: what somebody else deleted or changed in the cluster is put right by it. */
  forget(): void {
    this.#settled = undefined;
    for (const [key, { id }] of this.#written) this.#written.set(key, { text: '', id });
  }

  /** Lets rounds take objects of the stages up to this one (counted from 0) too. */
  openStage(stage: number): void {
    this.#openStages = Math.max(this.#openStages, stage + 1);
  }

  /**
   * Resolves when a round that began after this call has ended. @throws Failure `unreachable` when the cluster went away
   * in the middle (the next round takes up what is missing), `guard` when it is another cluster now; AbortError.
   */
  apply(): Promise<Round> {
    return this.#round();
  }

  /** @returns the objects that can be applied now, as they would be applied. */
  #ready(): readonly PlannedObject[] {
    const finishing = { plan: this.#plan, images: this.#images, launches: this.#launches };
    return this.#plan.objects
      .filter((planned) => planned.stage < this.#openStages && this.#hasImages(planned))
      .map((planned) => ({ ...planned, object: finishObject(planned.object, finishing) }));
  }

  #hasImages({ services }: PlannedObject): boolean {
    return services.every((name) => this.imageOf(name) !== undefined);
  }

  /** @returns the planned objects that stand in the cluster by our hand, of one stage or of all, by the ids they have there. */
  standing(stage?: number): readonly ObjectId[] {
    return this.#plan.objects.flatMap((planned) => {
      const written =
        stage === undefined || planned.stage === stage ? this.#written.get(this.#key(idOf(planned.object))) : undefined;
      return written ? [written.id] : [];
    });
  }

  /** @returns the service's objects that the cluster took as they are planned now. */
  standingOf(service: string): readonly ObjectId[] {
    const stale = new Set(this.#stale().map(({ object }) => this.#key(idOf(object))));
    return this.#plan.objects.flatMap(({ object, services }) => {
      const key = this.#key(idOf(object));
      const written = services.includes(service) && !stale.has(key) ? this.#written.get(key) : undefined;
      return written ? [written.id] : [];
    });
  }

  /** Whether the cluster took everything that can be applied now. */
  get isCurrent(): boolean {
    return this.#stale().length === 0;
  }

  #stale(): readonly PlannedObject[] {
    return this.#ready().filter(
      ({ object }) => this.#written.get(this.#key(idOf(object)))?.text !== stringifyJson(object),
    );
  }

  async #apply(): Promise<Round> {
    const stale = this.#stale();
    const plan = this.#plan;
    const prunes = this.#openStages >= plan.stages;
    if (stale.length === 0 && this.#settled === plan) return { applied: nothing, planned: [] };
    // A workload that waits for its image, or whose build failed, runs on with what it was written with.
    const isWhole = plan.objects.every((planned) => this.#hasImages(planned));
    const applied = await this.#applier.apply({
      objects: stale,
      all: this.#plan.objects,
      prune: !prunes ? 'nothing' : isWhole ? 'all' : 'unneeded',
      signal: this.#signal,
    });
    const accepted = new Map(applied.objects.map((id) => [this.#key(id), id]));
    // The plan may be another one by now.
    const there = this.#keys();
    for (const { object } of stale) {
      const id = accepted.get(this.#key(idOf(object)));
      if (id && there.has(this.#key(id))) this.#written.set(this.#key(id), { text: stringifyJson(object), id });
    }
    this.#settled = prunes && applied.refused.length === 0 ? plan : undefined;
    return { applied, planned: stale };
  }

  #keys(): ReadonlySet<string> {
    return new Set(this.#plan.objects.map(({ object }) => this.#key(idOf(object))));
  }

  /** The same for a manifest that names no namespace and for the object in the cluster. */
  #key(id: ObjectId): string {
    return keyOf({ ...id, namespace: id.namespace ?? this.#plan.project.cluster.namespace });
  }
}

const nothing: Applied = {
  objects: [],
  created: [],
  changed: [],
  replaced: [],
  unchanged: 0,
  pruned: [],
  kept: [],
  refused: [],
};

export interface Round {
  readonly applied: Applied;
  /** What this round took. */
  readonly planned: readonly PlannedObject[];
}
