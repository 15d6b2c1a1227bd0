import { Failure } from '../errors.ts';
import type { ApplyLoop } from '../up/apply-loop.ts';
import { type Plan, type PlannedService, planService } from '../up/plan.ts';
import type { FileWatch } from '../watch/watch-files.ts';
import type { Ground } from './decide.ts';
import { groundOf } from './ground.ts';
import { watchRoots } from './watch-roots.ts';

export interface TreeOptions {
  /** Holds the plan that the tree gave last. */
  readonly apply: ApplyLoop;
  /** Of that plan's ground, and ready. */
  readonly watch: FileWatch;
  /** Absolute files whose change means that the project is to be read again. */
  readonly configFiles: readonly string[];
}

/** The tree as the session knows it: what its files mean by the plan that was made of them, and the watch on just those. */
export class Tree {
  readonly #options: TreeOptions;
  #known: { readonly plan: Plan; readonly ground: Ground } | undefined;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  get plan(): Plan {
    return this.#options.apply.plan;
  }

  get ground(): Ground {
    const { plan } = this;
    if (this.#known?.plan !== plan) this.#known = { plan, ground: groundOf(plan, this.#options.configFiles) };
    return this.#known.ground;
  }

  /**
   * Reads a service's Dockerfile and ignore file again: they may be what changed. Then what they reach now is watched when
   * this resolves, so that what is built from it afterwards misses nothing.
   *
   * @throws Failure `usage` with the Dockerfile's position.
   */
  async reread(name: string): Promise<PlannedService> {
    const known = this.#service(name);
    const fresh = await planService(known.service, this.plan.mode);
    const planned = { ...fresh, selected: this.#service(name).selected };
    const { dockerfileText, ignoreText } = known.rules;
    if (fresh.rules.dockerfileText === dockerfileText && fresh.rules.ignoreText === ignoreText) return planned;
    await this.#set(withServices(this.plan, [planned]));
    return planned;
  }

  /** Goes over to the objects and inputs of another render; what is known of the Dockerfiles may be newer than it. */
  async rerendered(plan: Plan): Promise<void> {
    await this.#set(withServices(plan, this.plan.services));
  }

  async #set(plan: Plan): Promise<void> {
    const { apply, watch } = this.#options;
    apply.setPlan(plan);
    await watch.update(watchRoots(this.ground));
  }

  #service(name: string): PlannedService {
    const found = this.plan.services.find(({ service }) => service.name === name);
    if (!found) throw new Failure('bug', `no service ${name}`);
    return found;
  }
}

/** @returns the plan with what `fresh` says of the services that it has: their Dockerfiles, but not what was asked for. */
function withServices(plan: Plan, fresh: readonly PlannedService[]): Plan {
  const services = plan.services.map((planned) => {
    const found = fresh.find(({ service }) => service.name === planned.service.name);
    return found ? { ...found, selected: planned.selected } : planned;
  });
  return { ...plan, services };
}
