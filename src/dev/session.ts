import type { ApplySetRef } from '../deploy/apply-set.ts';
import { createApplier } from '../deploy/applier.ts';
import { CompletedJobs } from '../deploy/completed-jobs.ts';
import type { Reporter } from '../events.ts';
import { LinkedSignal } from '../lib/abort.ts';
import type { OnRead } from '../lib/on-read.ts';
import type { Scope } from '../lib/scope.ts';
import { followLogs } from '../logs/follow-logs.ts';
import { projectLabel } from '../objects.ts';
import type { PodState } from '../pods/pod-state.ts';
import { openPodView, type PodView } from '../pods/pod-view.ts';
import type { Forward, ForwardTarget, Project } from '../project.ts';
import { ApplyLoop } from '../up/apply-loop.ts';
import { doubtsAbout } from '../up/doubts.ts';
import { forwardRules, nodePortUrls } from '../up/endpoints.ts';
import { type Held, holdCluster, tellHolder } from '../up/hold-cluster.ts';
import { knownSecretsOf } from '../up/learn-secrets.ts';
import { openAppliedMemory } from '../up/open-applied-memory.ts';
import { planProject } from '../up/plan-project.ts';
import type { Plan } from '../up/plan.ts';
import { openSite, type Site } from '../up/site.ts';
import { namespaceOf, namespacesOf, sourcesOf } from '../up/sources.ts';
import { tellNothing } from '../up/tell-nothing.ts';
import { openWorkshop } from '../up/workshop.ts';
import { type FileWatch, watchFiles } from '../watch/watch-files.ts';
import type { Ground } from './decide.ts';
import { groundOf } from './ground.ts';
import { findIdleRules } from './idle-rules.ts';
import { DevLoop } from './loop.ts';
import { loopWork } from './loop-work.ts';
import { Outages } from './outages.ts';
import { holdsOf } from './restraints.ts';
import { onExitText } from './session-end.ts';
import type { Shared } from './session-options.ts';
import { ServiceSync } from './service-sync.ts';
import { openSyncedRecord } from './synced-record.ts';
import { tellAtRisk } from './tell-at-risk.ts';
import { tellFailure } from './tell-failure.ts';
import { tellServices } from './tell-services.ts';
import { watchNothing } from './watch-nothing.ts';
import { watchRoots } from './watch-roots.ts';

export interface Session {
  readonly site: Site;
  /** Aborted, with a Failure `guard` as its reason, when it may not write any more. */
  readonly stopped: AbortSignal;
  readonly loop: DevLoop;
}

/** Checks everything, opens the ports and the watch, and then the cluster; nothing is applied before the loop runs. */
export async function openSession(project: Project, options: Shared, scope: Scope): Promise<Session> {
  const { restraints, report, signal, forwards } = options;
  const startedAt = performance.now();
  const plan = await planProject({ ...options, project }, 'dev', { renders: options.renders });
  if (restraints.watch) options.remotes.tell(plan.inputs.remote);
  const rules = forwardRules(project, plan, options.selection);
  await openPorts(rules, project, options);
  const configFiles = options.configFiles(project);
  // From here on nothing that is saved is missed, however long the cluster takes to be there.
  const watch = await openGround(groundOf(plan, configFiles), project, options, scope);
  const { opened, held } = await openHeld(plan, options, scope);
  const site = { ...opened, kube: held.kube };
  scope.run(
    (abort) => tellDoubts(rules, plan, site, report, abort),
    (error) => tellFailure(report, error),
  );
  const outages = new Outages(report);
  const view = scope.own(openView(plan, site, outages, report, scope.signal));
  const { signal: writing } = scope.own(new LinkedSignal(signal, held.stopped), (link) => link[Symbol.dispose]());
  const jobs = scope.own(new CompletedJobs({ kube: site.kube, ref: refOf(project), report }));
  const apply = await openApply({ plan, site, jobs, signal: writing }, options);
  tellLogs(plan, site, view, options, scope);
  forwards.serve({
    kube: opened.kube,
    view,
    seesAll: false,
    namespaceOf: (target) => namespaceOf(apply.plan, target),
  });
  const { name, cluster } = project;
  options.leaves(() => [
    `${name} in ${cluster.namespace} on ${site.kube.target.context}: \`stormctl delete\` removes it`,
  ]);
  const onRead: OnRead = (path, sha256) => watch.taken(path, sha256);
  const workshop = await openWorkshop(project, report, onRead);
  const record = await openSyncedRecord(project, site);
  const sync = scope.own(new ServiceSync({ kube: site.kube, view, apply, record, onRead }));
  const loop = new DevLoop(
    {
      ...loopWork({ project, site, workshop, apply, sync }, options),
      site,
      apply,
      jobs,
      sync,
      watch,
      outages,
      view,
      report,
      configFiles,
      holds: holdsOf(project, restraints),
      unwatched: restraints.watch ? undefined : '--no-watch',
      isAttended: options.asked !== undefined,
      startedAt,
      onReady: () =>
        report({
          type: 'session.ready',
          ms: performance.now() - startedAt,
          urls: [...forwards.endpoints, ...nodePortUrls(apply.plan, site.published)],
          onExit: onExitText(project),
        }),
    },
    writing,
  );
  // Only then is it known what ran before: containers that this session makes are told from their first line. What breaks
  // the view it has told itself.
  await view.synced.catch(() => {});
  return { site, loop, stopped: held.stopped };
}

function refOf({ name, cluster }: Project): ApplySetRef {
  return { name, namespace: cluster.namespace };
}

async function openPorts(
  rules: readonly Forward[],
  project: Project,
  { context, env, signal, forwards }: Shared,
): Promise<void> {
  try {
    await forwards.update(rules);
  } catch (error) {
    // Whoever has the project has its ports too, and is what a person wants to hear of.
    await tellHolder({ project, context, env, signal });
    throw error;
  }
}

/** @returns the watch of the ground, once it misses nothing. Rules that match no file are told. */
async function openGround(
  ground: Ground,
  { root }: Project,
  { restraints, report, signal }: Shared,
  scope: Scope,
): Promise<FileWatch> {
  const onProblem = (failure: unknown) => tellFailure(report, failure);
  const watch = scope.own(
    restraints.watch ? watchFiles({ roots: watchRoots(ground), signal, onProblem }) : watchNothing(),
  );
  const [idle] = await Promise.all([findIdleRules(ground, root), watch.ready]);
  for (const doubt of idle) report({ type: 'warning', ...doubt });
  return watch;
}

/** Opens the engine and the cluster, and holds the project there. */
async function openHeld(
  plan: Plan,
  options: Shared,
  scope: Scope,
): Promise<{ readonly opened: Site; readonly held: Held }> {
  const { project } = plan;
  const { report, signal, forwards } = options;
  const opened = await openSite({ ...options, project, waits: 'session' });
  tellNothing(plan, report);
  tellServices(plan, report);
  scope.own(opened.engine);
  scope.own(opened.kube, (kube) => forwards.leave(kube));
  const ref = refOf(project);
  const hold = { ref, command: 'dev', makesNamespace: true, report, signal } as const;
  const held = scope.own(await holdCluster(opened, hold));
  if (options.isFirst) await tellAtRisk(held.kube, project, report, signal);
  return { opened, held };
}

interface Applying {
  readonly plan: Plan;
  readonly site: Site;
  readonly jobs: CompletedJobs;
  readonly signal: AbortSignal;
}

async function openApply(
  { plan, site, jobs, signal }: Applying,
  { report, forceConflicts }: Shared,
): Promise<ApplyLoop> {
  const { project } = plan;
  const memory = await openAppliedMemory(project);
  const applier = createApplier({
    kube: site.kube,
    project,
    identity: site.identity,
    report,
    memory,
    jobs,
    forceConflicts,
    removalMs: project.timeoutMs,
  });
  return new ApplyLoop({ applier, plan, signal });
}

/** Follows the project's logs until the scope ends. */
function tellLogs(plan: Plan, { kube }: Site, view: PodView, options: Shared, scope: Scope): void {
  const { project } = plan;
  const { mask, report, drained, shown, expectPod, told, selection } = options;
  const secrets = knownSecretsOf({ kube, project, mask, report, signal: scope.signal });
  if (secrets) scope.own(secrets).watch(namespacesOf(plan));
  const followed = {
    kube,
    view,
    sourceOf: sourcesOf(project.services, selection),
    start: told.start(),
    exclude: project.logs.exclude,
    mask,
    known: secrets && ((pod: PodState, signal: AbortSignal) => secrets.learn(pod, signal)),
    report: told.wrap(report),
    drained,
    shown,
    expectPod,
  };
  scope.run(
    (signal) => followLogs({ ...followed, signal }),
    (error) => tellFailure(report, error),
  );
}

/** What a forward leads to may come from an operator, or later. */
async function tellDoubts(
  rules: readonly Forward[],
  plan: Plan,
  { kube }: Site,
  report: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const objects = plan.objects.map(({ object }) => object);
  const options = { objects, kube, namespaceOf: (target: ForwardTarget) => namespaceOf(plan, target), signal };
  for (const { text, next } of await doubtsAbout(rules, options)) report({ type: 'warning', text, next });
}

function openView(plan: Plan, { kube }: Site, outages: Outages, report: Reporter, signal: AbortSignal): PodView {
  return openPodView({
    kube,
    namespaces: namespacesOf(plan),
    labelSelector: `${projectLabel}=${plan.project.name}`,
    signal,
    onLost: (cause) => outages.lost('the cluster', cause),
    onResumed: () => outages.resumed('the cluster'),
    onFailed: (failure) => tellFailure(report, failure),
  });
}
