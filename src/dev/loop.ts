import { asFailure, Failure, Failures } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { Channel } from '../lib/channel.ts';
import { Scope } from '../lib/scope.ts';
import { formatId } from '../objects.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { Project } from '../project.ts';
import type { ApplyLoop, Round } from '../up/apply-loop.ts';
import { bringUp } from '../up/bring-up.ts';
import { type Plan, type PlannedService, planService } from '../up/plan.ts';
import type { Site } from '../up/site.ts';
import { type FileWatch, watchFiles } from '../watch/watch-files.ts';
import { decide, type Decision, type Ground } from './decide.ts';
import { Deliveries } from './deliveries.ts';
import type { Input } from './inputs.ts';
import type { Outages } from './outages.ts';
import { Rollouts } from './rollouts.ts';
import type { Work } from './service-state.ts';
import type { ServiceSync } from './service-sync.ts';
import { shownPath, watchRoots } from './watch-roots.ts';

export interface LoopOptions {
  readonly site: Site;
  readonly apply: ApplyLoop;
  readonly sync: ServiceSync;
  readonly view: PodView;
  readonly outages: Outages;
  readonly report: Reporter;
  /** Absolute files whose change means that the project is to be read again. */
  readonly configFiles: readonly string[];
  /** Builds and ships one service. */
  readonly deliver: (planned: PlannedService, because: string, signal: AbortSignal) => Promise<string>;
  /** Renders the manifests again. */
  readonly replan: (signal: AbortSignal) => Promise<Plan>;
  readonly reconfigure: () => Promise<Project>;
  /** `performance.now()` when the command began. */
  readonly startedAt: number;
  /** Called once, when everything that was applied first is ready. */
  readonly onReady: () => void;
}

const firstBuild = 'for the first time';

/**
 * Keeps the cluster equal to the tree until it is aborted: every input moves one service, or the session, one step, and
 * whatever takes time comes back as an input. A failure is a state, never the end.
 */
export class DevLoop {
  readonly #options: LoopOptions;
  readonly #inputs = new Channel<Input>();
  readonly #scope: Scope;
  readonly #deliveries: Deliveries;
  readonly #rollouts: Rollouts;
  /** Services whose first build has been applied: from then on a delivery is a change. */
  #started = false;
  #watch: FileWatch | undefined;

  constructor(options: LoopOptions, signal: AbortSignal) {
    this.#options = options;
    this.#scope = new Scope(signal);
    this.#rollouts = new Rollouts({ ...options, kube: options.site.kube });
    this.#deliveries = new Deliveries({
      deliver: (service, work, abort) => this.#deliver(service, work, abort),
      push: (input) => this.#inputs.push(input),
      report: options.report,
      scope: this.#scope,
    });
  }

  /** Resolves with the project as it is now, once its config was changed; throws AbortError when it is aborted. */
  async run(): Promise<Project> {
    await using scope = this.#scope;
    const abort = () => this.#inputs.fail(scope.signal.reason);
    scope.signal.addEventListener('abort', abort, { once: true });
    await this.#openWatch();
    for (const { service } of this.#plan.services)
      this.#deliveries.rebuild(service.name, { because: firstBuild, savedAt: this.#options.startedAt });
    this.#background((abort) => this.#start(abort));
    const look = () => this.#inputs.push({ type: 'pods' });
    scope.own(this.#options.sync.onPods(look), (stop) => stop());
    scope.own(this.#options.outages.onResumed(look), (stop) => stop());
    for await (const input of this.#inputs) {
      const project = this.#dispatch(input);
      if (project) return project;
    }
    throw scope.signal.reason;
  }

  get #plan(): Plan {
    return this.#options.apply.plan;
  }

  #dispatch(input: Input): Project | undefined {
    switch (input.type) {
      case 'files':
        this.#decide(input);
        return undefined;
      case 'delivered':
        this.#delivered(input);
        return undefined;
      case 'undelivered':
        this.#fail(input.error, input.service);
        this.#deliveries.ended(input.service);
        return undefined;
      case 'aborted':
        this.#deliveries.aborted(input.service);
        return undefined;
      case 'synced':
        this.#synced(input);
        return undefined;
      case 'pods':
        this.#background((signal) => this.#prepare(signal));
        return undefined;
      case 'planned':
        this.#replanned(input.plan);
        return undefined;
      case 'reconfigured':
        return input.project;
      case 'failed':
        this.#fail(input.error);
        return undefined;
    }
  }

  #decide({ batch }: Extract<Input, { type: 'files' }>): void {
    for (const decision of decide(batch, this.#ground())) {
      this.#tell(decision);
      this.#act(decision, batch.firstEventAt);
    }
  }

  #tell(decision: Decision): void {
    const { root } = this.#plan.project;
    const because = 'because' in decision ? decision.because : '';
    const paths = 'service' in decision ? decision.paths : decision.paths.map((path) => shownPath(root, path));
    const service = 'service' in decision ? decision.service : undefined;
    this.#options.report({ type: 'loop.decided', service, action: decision.action, paths, because });
  }

  #act(decision: Decision, savedAt: number): void {
    switch (decision.action) {
      case 'ignore':
        return;
      case 'reload':
        this.#background(() => this.#reconfigure());
        return;
      case 'redeploy':
        this.#background((signal) => this.#replan(signal));
        return;
      case 'rebuild':
        this.#deliveries.rebuild(decision.service, { because: `${decision.paths[0]} changed`, savedAt });
        return;
      case 'sync':
        this.#background(async (signal) => {
          const outcome = await this.#options.sync.sync(decision, signal);
          const work = { because: `${decision.paths[0]} changed`, savedAt };
          this.#inputs.push({ type: 'synced', service: decision.service, outcome, work });
        });
    }
  }

  #synced({ service, outcome, work }: Extract<Input, { type: 'synced' }>): void {
    const { report } = this.#options;
    switch (outcome.kind) {
      case 'synced': {
        const ms = performance.now() - work.savedAt;
        report({ type: 'sync.done', service, files: outcome.files, containers: outcome.containers, ms });
        return;
      }
      case 'pending':
        report({ type: 'note', service, text: `not in a container yet: ${outcome.because}` });
        return;
      case 'needsRebuild':
        report({ type: 'warning', service, text: `can't sync, building instead: ${outcome.because}` });
        this.#deliveries.rebuild(service, work);
        return;
      case 'noContainers':
        report({ type: 'note', service, text: 'no container runs yet; it gets the file when it does' });
    }
  }

  /** Containers that came or restarted since the last look get what was synced to those before them. */
  async #prepare(signal: AbortSignal): Promise<void> {
    for (const { service, outcome } of await this.#options.sync.prepare(signal)) {
      if (outcome.kind === 'synced' && outcome.files === 0) continue;
      const work = { because: 'a new container can not take what was synced', savedAt: performance.now() };
      this.#inputs.push({ type: 'synced', service, outcome, work });
    }
  }

  async #deliver(name: string, { because }: Work, signal: AbortSignal): Promise<string> {
    const { apply, outages, deliver, sync } = this.#options;
    const planned = apply.plan.services.find(({ service }) => service.name === name);
    if (!planned) throw new Failure('bug', `no service ${name}`);
    // The Dockerfile and the ignore file may be what changed.
    const fresh = { ...(await planService(planned.service, apply.plan.mode)), selected: planned.selected };
    apply.setPlan(replaceService(apply.plan, fresh));
    if (because !== firstBuild) await this.#watch?.update(await watchRoots(this.#ground()));
    sync.imageBegun(name);
    return outages.outlast('the Docker engine', () => deliver(fresh, because, signal), signal);
  }

  #delivered({ service, pinned, work }: Extract<Input, { type: 'delivered' }>): void {
    const { apply, report, sync } = this.#options;
    const isNew = apply.imageOf(service) !== pinned;
    apply.setImage(service, pinned);
    sync.imageReady(service);
    this.#deliveries.ended(service);
    if (!isNew) {
      report({ type: 'note', service, text: 'the image did not change' });
      return;
    }
    this.#background(async (signal) => {
      const round = await this.#apply(signal);
      if (this.#started && (await this.#follow(service, round, signal)))
        report({ type: 'loop.rebuilt', service, ms: performance.now() - work.savedAt });
    });
  }

  /** @returns whether what a round changed runs; false when a newer change took its place, or nothing changed. */
  async #follow(subject: string, { applied }: Round, signal: AbortSignal): Promise<boolean> {
    const changed = [...applied.created, ...applied.changed];
    return changed.length > 0 && (await this.#rollouts.follow(subject, changed, signal));
  }

  /** Everything for the first time: stage by stage, and then for as long as it takes until all is ready. */
  async #start(signal: AbortSignal): Promise<void> {
    await bringUp({
      loop: this.#options.apply,
      apply: () => this.#apply(signal),
      imageOf: (service) => this.#deliveries.attempted(service),
      wait: async (objects) => {
        await this.#rollouts.untilReady(objects, signal);
        return true;
      },
    });
    this.#started = true;
    this.#options.onReady();
  }

  async #apply(signal: AbortSignal): Promise<Round> {
    const { apply, outages } = this.#options;
    const round = await outages.outlast('the cluster', () => apply.apply(), signal);
    for (const { id, failure } of round.applied.refused) {
      const planned = round.planned.find(({ object }) => object.kind === id.kind && object.metadata.name === id.name);
      this.#fail(failure, planned?.services[0] ?? formatId(id));
    }
    return round;
  }

  async #replan(signal: AbortSignal): Promise<void> {
    try {
      this.#inputs.push({ type: 'planned', plan: await this.#options.replan(signal) });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#fail(error);
    }
  }

  #replanned(plan: Plan): void {
    this.#options.apply.setPlan(plan);
    this.#background(async (signal) => {
      await this.#watch?.update(await watchRoots(this.#ground()));
      await this.#follow('manifests', await this.#apply(signal), signal);
    });
  }

  async #reconfigure(): Promise<void> {
    try {
      this.#inputs.push({ type: 'reconfigured', project: await this.#options.reconfigure() });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#fail(error);
      this.#options.report({ type: 'note', text: 'the session goes on with the config as it was' });
    }
  }

  async #openWatch(): Promise<void> {
    const scope = this.#scope;
    const watch = watchFiles({
      roots: await watchRoots(this.#ground()),
      signal: scope.signal,
      onProblem: (failure) => this.#fail(failure),
    });
    this.#watch = scope.own(watch);
    this.#background(async () => {
      for await (const batch of watch.batches) this.#inputs.push({ type: 'files', batch });
    });
    await watch.ready;
  }

  #ground(): Ground {
    const { services, inputs } = this.#plan;
    return {
      config: this.#options.configFiles,
      manifests: inputs,
      services: services
        .filter(({ selected }) => selected)
        .map(({ service, rules }) => ({ name: service.name, rules, sync: service.sync })),
    };
  }

  #background(task: (signal: AbortSignal) => Promise<void>): void {
    this.#scope.run(task, (error) => this.#inputs.push({ type: 'failed', error }));
  }

  #fail(error: unknown, service?: string): void {
    const failure = asFailure(error);
    for (const { kind, message, where, detail, next } of failure instanceof Failures ? failure.all : [failure])
      this.#options.report({ type: 'failed', service, kind, message, where, detail, next });
  }
}

function replaceService(plan: Plan, fresh: PlannedService): Plan {
  return { ...plan, services: plan.services.map((each) => (each.service.name === fresh.service.name ? fresh : each)) };
}
