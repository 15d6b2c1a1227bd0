import { applySetId } from '../deploy/apply-set.ts';
import { createApplier } from '../deploy/applier.ts';
import { deleteProject } from '../deploy/delete-project.ts';
import { asFailure, isAbort } from '../errors.ts';
import type { Endpoint, Reporter } from '../events.ts';
import { openForwards } from '../forward/open-forwards.ts';
import { Scope } from '../lib/scope.ts';
import { lastShipped } from '../images/ship-service.ts';
import { followLogs } from '../logs/follow-logs.ts';
import { formatId, projectLabel } from '../objects.ts';
import { openPodView } from '../pods/pod-view.ts';
import type { Project } from '../project.ts';
import { ApplyLoop } from '../up/apply-loop.ts';
import { deliver } from '../up/deliver.ts';
import { forwardRules, nodePortUrls } from '../up/endpoints.ts';
import { makePlan } from '../up/plan.ts';
import { openSite, type Site } from '../up/site.ts';
import { namespaceOf, namespacesOf, sourcesOf } from '../up/sources.ts';
import { openWorkshop } from '../up/workshop.ts';
import { DevLoop } from './loop.ts';
import { Outages } from './outages.ts';
import { ServiceSync } from './service-sync.ts';

export interface SessionOptions {
  /** Reads the project again, as it is on disk now. @throws Failure `usage`. */
  readonly load: () => Promise<Project>;
  /** Services or workloads; none means all. */
  readonly selection: readonly string[];
  readonly context: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Reporter;
  readonly signal: AbortSignal;
  /** Files besides the manifests whose change means: read the project again. */
  readonly configFiles: (project: Project) => readonly string[];
  /** Tells what a second Ctrl+C would leave, once there is something. */
  readonly leaves: (describe: () => readonly string[]) => void;
}

/**
 * `stormctl dev`: brings the project up and keeps it equal to the tree until the signal is aborted; then takes down what
 * it applied, unless the config says keep. Resolves when nothing of the session is left running here.
 *
 * @throws Failure for what is wrong before the first write.
 */
export async function runDev(options: SessionOptions): Promise<void> {
  let project: Project | undefined = await options.load();
  while (project) project = await runSession(project, options);
}

/** @returns the project as it is now, when its config was changed: the next session brings the cluster there. */
async function runSession(project: Project, options: SessionOptions): Promise<Project | undefined> {
  const { selection, env, report, signal } = options;
  const startedAt = performance.now();
  // Not the signal's: logs and forwards live until the teardown has ended.
  await using scope = new Scope();
  const { name, cluster } = project;
  const owner = { project: name, applySetId: applySetId({ name, namespace: cluster.namespace }) };
  const replan = (abort: AbortSignal) => makePlan({ project, mode: 'dev', owner, selection, env, signal: abort });
  const plan = await replan(signal);
  const forwards = scope.own(await openForwards(forwardRules(project, plan), { report }));
  const site = await openSite({ project, context: options.context, env, report, signal });
  scope.own(site.engine);
  scope.own(site.kube);
  const outages = new Outages(report);
  const view = scope.own(
    openPodView({
      kube: site.kube,
      namespaces: namespacesOf(plan),
      labelSelector: `${projectLabel}=${name}`,
      signal: scope.signal,
      onLost: (cause) => outages.lost('the cluster', cause),
      onResumed: () => outages.resumed('the cluster'),
      onFailed: (failure) => tellFailure(report, failure),
    }),
  );
  const apply = new ApplyLoop({
    applier: createApplier({ kube: site.kube, project, identity: site.identity, report }),
    plan,
    signal,
  });
  const sourceOf = sourcesOf(project.services, selection);
  scope.run(
    (abort) =>
      followLogs({
        kube: site.kube,
        view,
        sourceOf,
        start: 'all',
        exclude: project.logs.exclude,
        report,
        signal: abort,
      }),
    (error) => tellFailure(report, error),
  );
  forwards.serve({ kube: site.kube, view, namespaceOf: (target) => namespaceOf(apply.plan, target) });
  options.leaves(() => [
    `${name} in ${cluster.namespace} on ${site.kube.target.context}: \`stormctl delete\` removes it`,
  ]);
  const workshop = await openWorkshop(project, report);
  const loop = new DevLoop(
    {
      site,
      apply,
      sync: scope.own(new ServiceSync({ kube: site.kube, view, apply })),
      outages,
      view,
      report,
      configFiles: options.configFiles(project),
      deliver: async (planned, because, abort) => {
        const last = planned.selected ? undefined : lastShipped(workshop.images, planned.service, site.destination);
        return last ?? deliver(site, workshop, planned, because, abort);
      },
      replan,
      reconfigure: options.load,
      startedAt,
      onReady: () =>
        report({
          type: 'session.ready',
          ms: performance.now() - startedAt,
          urls: endpoints(forwards.endpoints, apply, site),
          onExit: onExitText(project),
        }),
    },
    signal,
  );
  try {
    return await loop.run();
  } catch (error) {
    if (!isAbort(error) || !signal.aborted) throw error;
  }
  await endSession(project, site, report, signal);
  return undefined;
}

function endpoints(forwards: readonly Endpoint[], apply: ApplyLoop, site: Site): readonly Endpoint[] {
  return [...forwards, ...nodePortUrls(apply.plan, site.published)];
}

function onExitText({ onExit, cluster }: Project): string {
  return onExit === 'keep'
    ? 'Ctrl+C ends this session and leaves everything running'
    : `Ctrl+C deletes what was applied and keeps volumes and the namespace ${cluster.namespace}`;
}

async function endSession(project: Project, { kube }: Site, report: Reporter, signal: AbortSignal): Promise<void> {
  report({ type: 'session.ending', because: signal.reason instanceof Error ? signal.reason.message : 'asked to' });
  if (project.onExit === 'keep') return report({ type: 'session.ended', left: [] });
  const { name, cluster } = project;
  const { left } = await deleteProject({
    kube,
    name,
    namespace: cluster.namespace,
    volumes: false,
    namespaces: false,
    // The first Ctrl+C asked for this; the second one does not wait for it.
    signal: new AbortController().signal,
    report,
  });
  return report({ type: 'session.ended', left: left.map(({ id, because }) => `${formatId(id)}: ${because}`) });
}

function tellFailure(report: Reporter, error: unknown): void {
  const { kind, message, where, detail, next } = asFailure(error);
  report({ type: 'failed', kind, message, where, detail, next });
}
