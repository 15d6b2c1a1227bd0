import type { Endpoint, Report, SessionService } from '../events.ts';
import { keyOf, type ObjectId } from '../objects.ts';

export type Phase = 'starting' | 'building' | 'shipping' | 'waiting' | 'ready' | 'synced' | 'changed' | 'failed';

export interface ServiceStatus {
  readonly name: string;
  readonly phase: Phase;
  /** What keeps it waiting, where that is no step of every start. */
  readonly trouble: string | undefined;
  /** When it came to that, as `Date.now()` counts. */
  readonly at: number;
}

/** Where a session stands, as far as its reports tell. */
export interface Status {
  readonly stage: 'starting' | 'running' | 'ending';
  readonly services: readonly ServiceStatus[];
  readonly paused: boolean;
  /** How many changed files wait for the pause to end. */
  readonly held: number;
  /** What is away: `the cluster`. */
  readonly lost: readonly { readonly what: string; readonly how: 'busy' | 'gone' }[];
  readonly urls: readonly Endpoint[];
}

interface Entry {
  phase: Phase;
  at: number;
  trouble: string | undefined;
  /** Where it was when the cluster refused an object of it; undefined: nothing of it is refused. */
  unrefused: Phase | undefined;
  readonly selected: boolean;
  readonly objects: readonly ObjectId[];
  /** Keys of the objects that were applied and are not ready yet. */
  readonly rollingOut: Set<string>;
  /** Whether changed files wait for a build. */
  hasHeld: boolean;
}

/** Follows the reports of a session, and knows from nothing else how each service is. */
export class StatusModel {
  readonly #services = new Map<string, Entry>();
  readonly #lost = new Map<string, 'busy' | 'gone'>();
  #stage: Status['stage'] = 'starting';
  #paused = false;
  #held = 0;
  #urls: readonly Endpoint[] = [];

  get status(): Status {
    const services = [...this.#services].map(([name, entry]) => ({
      name,
      phase: phaseOf(entry),
      trouble: entry.trouble,
      at: entry.at,
    }));
    return {
      stage: this.#stage,
      services,
      paused: this.#paused,
      held: this.#held,
      lost: [...this.#lost].map(([what, how]) => ({ what, how })),
      urls: this.#urls,
    };
  }

  /** The services that can be asked for. */
  get selected(): readonly string[] {
    return [...this.#services].flatMap(([name, { selected }]) => (selected ? [name] : []));
  }

  /** @param now as `Date.now()`. */
  update(report: Report, now: number): void {
    switch (report.type) {
      case 'session.services':
        this.#setServices(report.services, now);
        return;
      case 'session.started':
        // A session that follows another one, when the config was changed, begins with watching.
        this.#paused = false;
        this.#held = 0;
        this.#lost.clear();
        for (const entry of this.#services.values()) entry.hasHeld = false;
        this.#stage = 'starting';
        return;
      case 'session.ready':
        this.#stage = 'running';
        this.#urls = report.urls;
        for (const entry of this.#services.values()) if (entry.phase === 'waiting') enter(entry, 'ready', now);
        return;
      case 'session.ending':
        this.#stage = 'ending';
        return;
      case 'session.lost':
        this.#lost.set(report.what, report.busy ? 'busy' : 'gone');
        return;
      case 'session.resumed':
        this.#lost.delete(report.what);
        return;
      case 'loop.paused':
        this.#paused = true;
        this.#held = 0;
        return;
      case 'loop.resumed':
        this.#paused = false;
        return;
      case 'loop.held':
        if (report.service === undefined) this.#held = report.paths.length;
        else this.#hold(report.service, now);
        return;
      default:
        this.#updateService(report, now);
    }
  }

  #updateService(report: Report, now: number): void {
    switch (report.type) {
      case 'build.started':
        return this.#build(report.service, now);
      case 'build.done':
        return this.#enter(report.service, 'shipping', now);
      case 'ship.done':
        return this.#enter(report.service, 'waiting', now);
      case 'sync.done':
        return this.#enter(report.service, 'synced', now);
      case 'loop.restarting':
        return this.#enter(report.service, 'waiting', now);
      case 'loop.restarted':
      case 'loop.rebuilt':
      case 'loop.unchanged':
        return this.#enter(report.service, 'ready', now);
      case 'failed':
        return this.#failed(report.service, report.refused !== undefined, now);
      case 'deploy.applied':
        this.#retry(now);
        return this.#applied([...report.created, ...report.changed], now);
      case 'deploy.ready':
        return this.#ready(report.object, now);
      case 'deploy.waiting':
        if (!report.usual) for (const entry of this.#runBy(report.object)) this.#waits(entry, now, report.brief);
        return;
      default:
    }
  }

  #setServices(services: readonly SessionService[], now: number): void {
    const before = new Map(this.#services);
    this.#services.clear();
    for (const { name, selected, objects } of services) {
      const entry = before.get(name);
      const { phase = 'starting', at = now, rollingOut = new Set<string>(), hasHeld = false } = entry ?? {};
      const { trouble, unrefused } = entry ?? {};
      this.#services.set(name, { phase, at, trouble, unrefused, rollingOut, hasHeld, selected, objects });
    }
  }

  #hold(service: string, now: number): void {
    const entry = this.#services.get(service);
    if (!entry) return;
    entry.hasHeld = true;
    entry.at = now;
  }

  #build(service: string, now: number): void {
    const entry = this.#services.get(service);
    if (!entry) return;
    entry.hasHeld = false;
    enter(entry, 'building', now);
  }

  #enter(service: string, phase: Phase, now: number): void {
    const entry = this.#services.get(service);
    if (entry) enter(entry, phase, now);
  }

  /** What fails in the cluster is told by the name of its object. */
  #failed(subject: string | undefined, isRefused: boolean, now: number): void {
    for (const [name, entry] of this.#services) {
      if (name !== subject && !entry.objects.some((object) => object.name === subject)) continue;
      const { phase, unrefused = phase } = entry;
      enter(entry, 'failed', now);
      if (isRefused && unrefused !== 'failed') entry.unrefused = unrefused;
    }
  }

  /** Every apply tries again what was refused before, and what it refuses is told after it. */
  #retry(now: number): void {
    for (const entry of this.#services.values()) {
      const { unrefused, rollingOut } = entry;
      if (unrefused === undefined) continue;
      enter(entry, unrefused === 'waiting' && rollingOut.size === 0 ? 'ready' : unrefused, now);
    }
  }

  #applied(ids: readonly ObjectId[], now: number): void {
    for (const id of ids)
      for (const entry of this.#runBy(id)) {
        entry.rollingOut.add(keyOfRun(id));
        this.#waits(entry, now);
      }
  }

  #ready(id: ObjectId, now: number): void {
    for (const entry of this.#runBy(id)) {
      entry.rollingOut.delete(keyOfRun(id));
      if (entry.phase === 'waiting' && entry.rollingOut.size === 0) enter(entry, 'ready', now);
    }
  }

  /** A build under way says more than how the image before it rolls out. */
  #waits(entry: Entry, now: number, trouble?: string): void {
    if (entry.phase === 'building' || entry.phase === 'shipping') return;
    if (entry.phase !== 'waiting' || entry.trouble !== trouble) enter(entry, 'waiting', now, trouble);
  }

  #runBy(id: ObjectId): readonly Entry[] {
    return [...this.#services.values()].filter(({ objects }) =>
      objects.some((object) => keyOfRun(object) === keyOfRun(id)),
    );
  }
}

/** Once it runs again, that more waits for it is what there is to know. */
function phaseOf({ phase, hasHeld }: Entry): Phase {
  return hasHeld && (phase === 'ready' || phase === 'synced') ? 'changed' : phase;
}

function enter(entry: Entry, phase: Phase, now: number, trouble?: string): void {
  entry.phase = phase;
  entry.trouble = trouble;
  entry.unrefused = undefined;
  entry.at = now;
}

/** A manifest may leave out the namespace that the object then has. */
function keyOfRun(id: ObjectId): string {
  return keyOf({ ...id, namespace: undefined });
}
