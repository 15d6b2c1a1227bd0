import type { CompletedJobs } from '../deploy/completed-jobs.ts';
import { isNamespace } from '../deploy/protected.ts';
import type { Asked, Reporter } from '../events.ts';
import { Channel } from '../lib/channel.ts';
import { Scope } from '../lib/scope.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { Project } from '../project.ts';
import type { ApplyLoop } from '../up/apply-loop.ts';
import type { Plan } from '../up/plan.ts';
import type { Site } from '../up/site.ts';
import type { FileWatch } from '../watch/watch-files.ts';
import type { Decision } from './decide.ts';
import { Deliveries } from './deliveries.ts';
import type { Input } from './inputs.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import { LoopGuard } from './loop-guard.ts';
import type { LoopWork } from './loop-work.ts';
import { NamespaceReturns } from './namespace-returns.ts';
import type { Outages } from './outages.ts';
import { replacePods } from './replace-pods.ts';
import { Rereads } from './rereads.ts';
import { Rollouts } from './rollouts.ts';
import { Rounds } from './rounds.ts';
import type { Work } from './service-state.ts';
import type { ServiceSync } from './service-sync.ts';
import { StalePrograms } from './stale-programs.ts';
import { Syncs } from './syncs.ts';
import { tellFailure } from './tell-failure.ts';
import { tellMissing, tellServices } from './tell-services.ts';
import { Tree } from './tree.ts';
import { watchStanding } from './watch-standing.ts';

export interface LoopOptions extends IntakeOptions, LoopWork {
  readonly site: Pick<Site, 'kube'>;
  readonly apply: ApplyLoop;
  /** What is known of Jobs that the cluster removes by itself. */
  readonly jobs?: CompletedJobs;
  readonly sync: ServiceSync;
  readonly view: PodView;
  /** Of the plan's ground, and ready. */
  readonly watch: FileWatch;
  readonly outages: Outages;
  readonly report: Reporter;
  /** Absolute files whose change means that the project is to be read again. */
  readonly configFiles: readonly string[];
  /** `performance.now()` when the command began. */
  readonly startedAt: number;
  /** Called once, when everything that was applied first is ready. */
  readonly onReady: () => void;
}

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
  readonly #rounds: Rounds;
  readonly #tree: Tree;
  readonly #guard: LoopGuard;
  readonly #syncs: Syncs;
  readonly #stale: StalePrograms;
  readonly #intake: Intake;
  readonly #returns: NamespaceReturns;
  readonly #rereads: Rereads;

  constructor(options: LoopOptions, signal: AbortSignal) {
    this.#options = options;
    this.#scope = new Scope(signal);
    this.#tree = new Tree(options);
    this.#guard = new LoopGuard(options.report);
    this.#intake = new Intake(options, this.#tree, this.#guard, (decision, savedAt) => this.#act(decision, savedAt));
    this.#rollouts = new Rollouts({ ...options, kube: options.site.kube });
    this.#deliveries = new Deliveries({
      deliver: (service, work, abort) => this.#deliver(service, work, abort),
      push: (input) => this.#inputs.push(input),
      report: options.report,
      scope: this.#scope,
    });
    this.#stale = new StalePrograms(options.report);
    this.#syncs = new Syncs({
      kube: options.site.kube,
      sync: options.sync,
      report: options.report,
      scope: this.#scope,
      push: (input) => this.#inputs.push(input),
      serviceOf: (name) => this.#tree.plan.services.find(({ service }) => service.name === name)?.service,
    });
    this.#rounds = new Rounds({
      ...options,
      rollouts: this.#rollouts,
      attempted: (service) => this.#deliveries.attempted(service),
    });
    const { restoreNamespace: isWanted, cluster } = options.apply.plan.project;
    this.#returns = new NamespaceReturns({
      namespace: cluster.namespace,
      isApplied: (name) => options.apply.standing().some((id) => isNamespace(id) && id.name === name),
      isWanted,
      restore: (signal) => this.#applyAnew(signal),
      report: options.report,
    });
    this.#rereads = new Rereads({
      ...options,
      tree: this.#tree,
      push: (input) => this.#inputs.push(input),
      signal: this.#scope.signal,
    });
  }

  /** Resolves with the project as it is now, once its config was changed; throws AbortError when it is aborted. */
  async run(): Promise<Project> {
    await using scope = this.#scope;
    scope.signal.throwIfAborted();
    const abort = () => this.#inputs.fail(scope.signal.reason);
    scope.signal.addEventListener('abort', abort, { once: true });
    this.#background((signal) => this.#readFiles(signal));
    for (const { service } of this.#tree.plan.services)
      this.#deliveries.rebuild(service.name, { because: 'for the first time', savedAt: this.#options.startedAt });
    this.#background((signal) => this.#bringUp(signal));
    const look = () => this.#inputs.push({ type: 'pods' });
    scope.own(this.#options.sync.onPods(look), (stop) => stop());
    scope.own(this.#options.outages.onResumed(look), (stop) => stop());
    const { site, ...options } = this.#options;
    const standing = { ...options, kube: site.kube, rollouts: this.#rollouts, returns: this.#returns, scope };
    watchStanding(standing, (task) => this.#background(task));
    for await (const input of this.#inputs) {
      scope.signal.throwIfAborted();
      const project = this.#dispatch(input);
      if (project) return project;
    }
    throw scope.signal.reason;
  }

  /** What a person asks for while the loop runs. */
  ask(asked: Asked): void {
    this.#inputs.push({ type: 'asked', asked });
  }

  #dispatch(input: Input): Project | undefined {
    switch (input.type) {
      case 'files':
        this.#intake.take(input.batch);
        return undefined;
      case 'delivered':
        this.#delivered(input);
        return undefined;
      case 'undelivered':
        this.#fail(input.error, input.service);
        this.#guard.ending(input.service)();
        this.#deliveries.ended(input.service);
        return undefined;
      case 'aborted':
        this.#deliveries.aborted(input.service);
        return undefined;
      case 'synced':
        this.#synced(input);
        return undefined;
      case 'pods':
        this.#background((signal) => this.#syncs.prepare(signal));
        return undefined;
      case 'asked':
        this.#answer(input.asked);
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

  #answer(asked: Asked): void {
    const { report, openUrl } = this.#options;
    switch (asked.type) {
      case 'rebuild':
        for (const service of this.#asked(asked.service)) {
          const held = this.#guard.resume(service);
          if (held) this.#options.sync.lacks(held);
          this.#deliveries.rebuild(service, { because: 'you asked for it', savedAt: performance.now() });
        }
        return;
      case 'restart':
        for (const service of this.#asked(asked.service)) this.#restart(service);
        return;
      case 'redeploy':
        report({ type: 'answer', text: 'redeploying: every object is written again as the manifests have it' });
        this.#options.renderAnew();
        return this.#background(() => this.#rereads.replan());
      case 'pause':
        return this.#intake.togglePause();
      case 'open':
        return this.#background((signal) => openUrl(asked.url, signal));
    }
  }

  /** @returns the services that are asked for: one, or all that the command line did not leave out. */
  #asked(service: string | undefined): readonly string[] {
    return this.#tree.plan.services.flatMap(({ selected, service: { name } }) =>
      selected && (service === undefined || service === name) ? [name] : [],
    );
  }

  #restart(service: string): void {
    const { report, restart } = this.#options;
    report({ type: 'loop.restarting', service });
    this.#background(async (signal) => {
      const startedAt = performance.now();
      try {
        await restart(service, signal);
        report({ type: 'loop.restarted', service, ms: performance.now() - startedAt });
      } catch (error) {
        signal.throwIfAborted();
        this.#fail(error, service);
      }
    });
  }

  #act(decision: Decision, savedAt: number): void {
    switch (decision.action) {
      case 'ignore':
        return;
      case 'reload':
        this.#background(() => this.#rereads.reconfigure());
        return;
      case 'redeploy':
        this.#background(() => this.#rereads.replan());
        return;
      case 'rebuild':
        // The build reads them too; should it fail, the next sync brings them.
        if (decision.along) this.#options.sync.lacks(decision.along);
        this.#deliveries.rebuild(decision.service, { because: `${decision.paths[0]} changed`, savedAt });
        return;
      case 'sync':
        this.#background((signal) => this.#syncs.bring(decision, savedAt, signal));
    }
  }

  #synced(input: Extract<Input, { type: 'synced' }>): void {
    const work = this.#syncs.ended(input);
    if (input.outcome.kind === 'synced')
      this.#background(() => this.#stale.synced(input.service, input.paths, this.#tree.plan));
    if (work && !this.#intake.isHeld(input, 'rebuild')) this.#deliveries.rebuild(input.service, work);
  }

  async #deliver(name: string, { because }: Work, signal: AbortSignal): Promise<string> {
    const { outages, deliver, sync } = this.#options;
    this.#guard.begun(name);
    const planned = await this.#tree.reread(name);
    sync.imageBegun(name);
    this.#intake.release(name);
    return outages.outlast('the Docker engine', () => deliver(planned, because, signal), signal);
  }

  #delivered({ service, pinned, work }: Extract<Input, { type: 'delivered' }>): void {
    const { apply, report, sync } = this.#options;
    const isNew = apply.imageOf(service) !== pinned;
    const isFirst = !this.#deliveries.isAttempted(service);
    this.#stale.rebuilt(service);
    apply.setImage(service, pinned);
    // Containers of the same image keep what was synced into them: what one of them still lacks must not be forgotten.
    if (isNew) sync.imageReady(service);
    // Containers of it may run from an earlier session, and then no change of a pod leads to them.
    this.#inputs.push({ type: 'pods' });
    const end = this.#guard.ending(service);
    this.#deliveries.ended(service);
    if (!isNew) {
      end();
      report({ type: 'loop.unchanged', service });
    }
    // What the cluster refused before may be taken now.
    if (!isNew && apply.isCurrent) return this.#background((signal) => this.#replaceHeldBack(service, signal));
    this.#background(async (signal) => {
      if (isFirst) return this.#rounds.applyFirst(signal).finally(end);
      if (await this.#rounds.applyImage(service, signal).finally(end))
        report({ type: 'loop.rebuilt', service, ms: performance.now() - work.savedAt });
    });
  }

  /** Nothing is applied when an image did not change, yet a save asks for it to be tried now. */
  async #replaceHeldBack(service: string, signal: AbortSignal): Promise<void> {
    const { site, sync, report } = this.#options;
    const held = sync.heldBack(service);
    const replaced = await replacePods(site.kube, [...new Set(held.map(({ pod }) => pod))], signal);
    for (const { because } of held.filter(({ pod }) => replaced.includes(pod)))
      report({ type: 'note', service, text: `${because}, so its pod is replaced` });
  }

  async #bringUp(signal: AbortSignal): Promise<boolean> {
    const isDone = await this.#rounds.bringUp(signal);
    if (!isDone) return false;
    const { apply, report, onReady } = this.#options;
    onReady();
    tellMissing(apply, report);
    return true;
  }

  #replanned(plan: Plan): void {
    const { apply, onPlanned } = this.#options;
    this.#background(() => onPlanned(plan));
    this.#returns.asked();
    this.#background(async (signal) => {
      const watched = this.#tree.rerendered(plan);
      tellServices(this.#tree.plan, this.#options.report);
      this.#rollouts.retain(apply.standing());
      await watched;
      await this.#applyAnew(signal);
    });
  }

  async #applyAnew(signal: AbortSignal): Promise<void> {
    if (!(await this.#bringUp(signal))) await this.#rounds.applyManifests(signal);
  }

  async #readFiles(signal: AbortSignal): Promise<void> {
    const { watch } = this.#options;
    signal.addEventListener('abort', () => void watch[Symbol.asyncDispose](), { once: true });
    for await (const batch of watch.batches) this.#inputs.push({ type: 'files', batch });
  }

  #background(task: (signal: AbortSignal) => Promise<unknown>): void {
    const run = async (signal: AbortSignal) => {
      await task(signal);
    };
    this.#scope.run(run, (error) => this.#inputs.push({ type: 'failed', error }));
  }

  #fail(error: unknown, service?: string): void {
    tellFailure(this.#options.report, error, service);
  }
}
