import { applySetId } from '../deploy/apply-set.ts';
import { createApplier } from '../deploy/applier.ts';
import { isAbort } from '../errors.ts';
import type { Asked, Drained, Reporter } from '../events.ts';
import { type Forwards, openForwards } from '../forward/open-forwards.ts';
import type { Mask } from '../lib/mask.ts';
import { Scope } from '../lib/scope.ts';
import { lastShipped } from '../images/ship-service.ts';
import { followLogs } from '../logs/follow-logs.ts';
import { projectLabel } from '../objects.ts';
import { openPodView, type PodView } from '../pods/pod-view.ts';
import type { Project } from '../project.ts';
import { ApplyLoop } from '../up/apply-loop.ts';
import { deliver } from '../up/deliver.ts';
import { doubtsAbout, forwardRules, nodePortUrls } from '../up/endpoints.ts';
import { launchOf } from '../up/launch.ts';
import { learnPlanned } from '../up/learn-secrets.ts';
import { maskReports } from '../up/mask-reports.ts';
import { makePlan, type Plan, type PlannedService } from '../up/plan.ts';
import { SessionRecord } from '../up/record.ts';
import { openSite, type Site } from '../up/site.ts';
import { namespaceOf, namespacesOf, sourcesOf } from '../up/sources.ts';
import { openWorkshop } from '../up/workshop.ts';
import { watchFiles } from '../watch/watch-files.ts';
import { Desk } from './desk.ts';
import { groundOf } from './ground.ts';
import { findIdleRules } from './idle-rules.ts';
import { DevLoop } from './loop.ts';
import { openUrl } from './open-url.ts';
import { Outages } from './outages.ts';
import { restartService } from './restart-service.ts';
import { holdsOf, type Restraints, restrain, tellRestraints } from './restraints.ts';
import { endSession, onExitText, takeDown } from './session-end.ts';
import { ServiceSync } from './service-sync.ts';
import { syncInstead } from './sync-instead.ts';
import { openSyncedRecord } from './synced-record.ts';
import { tellFailure } from './tell-failure.ts';
import { tellServices } from './tell-services.ts';
import { ToldLogs } from './told-logs.ts';
import { watchNothing } from './watch-nothing.ts';
import { watchRoots } from './watch-roots.ts';

export interface SessionOptions {
  /** Reads the project again, as it is on disk now. @throws Failure `usage`. */
  readonly load: () => Promise<Project>;
  /** Services or workloads; none means all. */
  readonly selection: readonly string[];
  readonly context: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Learns what the manifests' Secrets hold, and hides it in what is reported. */
  readonly mask: Mask;
  readonly report: Reporter;
  readonly drained: Drained;
  readonly signal: AbortSignal;
  /** Files besides the manifests whose change means: read the project again. */
  readonly configFiles: (project: Project) => readonly string[];
  /** Tells what a second Ctrl+C would leave, once there is something. */
  readonly leaves: (describe: () => readonly string[]) => void;
  /** What a person asks for while it runs; undefined: nobody sits there. */
  readonly asked: AsyncIterable<Asked> | undefined;
  readonly restraints: Restraints;
}

/** What sessions of one command share. */
interface Shared extends SessionOptions {
  readonly told: ToldLogs;
  readonly desk: Desk;
  readonly forwards: Forwards;
}

/** How a session ended that had begun, or why it could not begin. */
type SessionEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'reconfigured'; readonly project: Project }
  | { readonly kind: 'notBegun'; readonly error: unknown };

/**
 * `stormctl dev`: brings the project up and keeps it equal to the tree until the signal is aborted; then takes down what
 * it applied, unless the config says keep. Resolves when nothing of the session is left running here.
 *
 * @throws Failure for what is wrong before the first write.
 */
export async function runDev(options: SessionOptions): Promise<void> {
  await using record = new SessionRecord(options.report);
  const load = async () => {
    const project = await options.load();
    record.keep(project);
    return project;
  };
  await runSessions({ ...options, load, report: maskReports(record.report, options.mask) });
}

/** One session after the other, each with the config as it is then. */
async function runSessions(options: SessionOptions): Promise<void> {
  const { report, signal } = options;
  const load = async () => restrain(await options.load(), options.restraints);
  const desk = new Desk(report, signal);
  await using scope = new Scope();
  // Ports and connections outlive a session that ends because the config was changed.
  const forwards = scope.own(openForwards({ report }));
  const shared: Shared = { ...options, load, told: new ToldLogs(), desk, forwards };
  const { asked } = options;
  if (asked)
    scope.run(
      (abort) => desk.read(asked, abort),
      (error) => tellFailure(report, error),
    );
  let project = await load();
  tellRestraints(options.restraints, report);
  let last: Project | undefined;
  for (;;) {
    const end = await runSession(project, shared);
    if (end.kind === 'ended') return;
    if (end.kind === 'reconfigured') {
      last = project;
      project = end.project;
      continue;
    }
    if (!last) throw end.error;
    // What the session before applied still stands.
    if (signal.aborted) return takeDown(last, options, signal.reason);
    if (project === last) throw end.error;
    tellFailure(report, end.error);
    report({ type: 'note', text: 'the session goes on with the config as it was' });
    project = last;
  }
}

/** Ends, too, when the config was changed: the next session brings the cluster where the new one says. */
async function runSession(project: Project, options: Shared): Promise<SessionEnd> {
  // Not the signal's: logs and forwards live until the teardown has ended.
  await using scope = new Scope();
  let session: Session;
  try {
    session = await openSession(project, options, scope);
  } catch (error) {
    return { kind: 'notBegun', error };
  }
  const { report, signal } = options;
  try {
    using _ = options.desk.open(session.loop);
    const fresh = await session.loop.run();
    options.told.stop();
    if (!isSamePlace(project, fresh)) {
      await options.forwards.cut();
      await endSession(project, session.site, report, new Error('the config names another place'));
    }
    return { kind: 'reconfigured', project: fresh };
  } catch (error) {
    if (!isAbort(error) || !signal.aborted) throw error;
  }
  await endSession(project, session.site, report, signal.reason);
  return { kind: 'ended' };
}

interface Session {
  readonly site: Site;
  readonly loop: DevLoop;
}

/** Checks everything, opens the ports and the watch, and then the cluster; nothing is applied before the loop runs. */
async function openSession(project: Project, options: Shared, scope: Scope): Promise<Session> {
  const { selection, env, report, signal, forwards } = options;
  const startedAt = performance.now();
  const plan = await planFor(project, options, signal);
  const configFiles = options.configFiles(project);
  const rules = forwardRules(project, plan, selection);
  await forwards.update(rules);
  for (const { text, next } of doubtsAbout(rules, plan)) report({ type: 'warning', text, next });
  const ground = groundOf(plan, configFiles);
  // From here on nothing that is saved is missed, however long the cluster takes to be there.
  const watch = scope.own(
    options.restraints.watch
      ? watchFiles({
          roots: watchRoots(ground),
          signal,
          onProblem: (failure) => tellFailure(report, failure),
        })
      : watchNothing(),
  );
  const [idle] = await Promise.all([findIdleRules(ground, project.root), watch.ready]);
  for (const doubt of idle) report({ type: 'warning', ...doubt });
  const site = await openSite({ project, context: options.context, env, report, signal });
  tellServices(plan, report);
  scope.own(site.engine);
  scope.own(site.kube, (kube) => forwards.leave(kube));
  const outages = new Outages(report);
  const view = scope.own(openView(project, plan, site, outages, report, scope.signal));
  const apply = new ApplyLoop({
    applier: createApplier({ kube: site.kube, project, identity: site.identity, report }),
    plan,
    signal,
  });
  const sourceOf = sourcesOf(project.services, selection);
  const { exclude } = project.logs;
  const start = options.told.start();
  const logs = options.told.wrap(report);
  scope.run(
    (abort) =>
      followLogs({
        kube: site.kube,
        view,
        sourceOf,
        start,
        exclude,
        mask: options.mask,
        report: logs,
        drained: options.drained,
        signal: abort,
      }),
    (error) => tellFailure(report, error),
  );
  forwards.serve({
    kube: site.kube,
    view,
    seesAll: false,
    namespaceOf: (target) => namespaceOf(apply.plan, target),
  });
  const { name, cluster } = project;
  options.leaves(() => [
    `${name} in ${cluster.namespace} on ${site.kube.target.context}: \`stormctl delete\` removes it`,
  ]);
  const workshop = await openWorkshop(project, report);
  const record = await openSyncedRecord(project, site);
  const sync = scope.own(new ServiceSync({ kube: site.kube, view, apply, record }));
  const loop = new DevLoop(
    {
      site,
      apply,
      sync,
      watch,
      outages,
      view,
      report,
      configFiles,
      deliver: async (planned, because, abort) => {
        const old = planned.selected ? undefined : lastShipped(workshop.images, planned.service, site.place);
        if (old !== undefined) return old;
        // An image that runs was not good enough if it is to be built again.
        const isFirst = apply.imageOf(planned.service.name) === undefined;
        const accept = isFirst ? syncInstead({ planned, sync, report }) : undefined;
        const pinned = await deliver(site, workshop, planned, because, abort, accept);
        const launch = await launchOf(site.engine, planned.service, pinned, report, abort);
        if (launch) apply.setLaunch(pinned, launch);
        return pinned;
      },
      replan: (services, abort) => planFor(project, options, abort, services),
      onPlanned: async (fresh) => {
        const known = new Set(forwards.endpoints.map(({ url }) => url));
        await forwards.update(forwardRules(project, fresh, selection));
        for (const { name, url } of forwards.endpoints)
          if (!known.has(url)) report({ type: 'note', text: `${name} is at ${url} now` });
      },
      reconfigure: async (abort) => {
        const fresh = await options.load();
        await planFor(fresh, options, abort);
        return fresh;
      },
      holds: holdsOf(project, options.restraints),
      unwatched: options.restraints.watch ? undefined : '--no-watch',
      isAttended: options.asked !== undefined,
      restart: async (service, abort) => {
        await restartService({ kube: site.kube, project, service, report, signal: abort });
      },
      openUrl: (url, abort) => openUrl(url, env, report, abort),
      startedAt,
      onReady: () =>
        report({
          type: 'session.ready',
          ms: performance.now() - startedAt,
          urls: [...forwards.endpoints, ...nodePortUrls(apply.plan, site.published)],
          onExit: onExitText(project),
        }),
    },
    signal,
  );
  return { site, loop };
}

async function planFor(
  project: Project,
  { selection, env, mask }: SessionOptions,
  signal: AbortSignal,
  known?: readonly PlannedService[],
): Promise<Plan> {
  const { name, cluster } = project;
  const owner = { project: name, applySetId: applySetId({ name, namespace: cluster.namespace }) };
  const plan = await makePlan({ project, mode: 'dev', owner, selection, env, signal, known });
  learnPlanned(plan, mask);
  return plan;
}

function openView(
  { name }: Project,
  plan: Plan,
  { kube }: Site,
  outages: Outages,
  report: Reporter,
  signal: AbortSignal,
): PodView {
  return openPodView({
    kube,
    namespaces: namespacesOf(plan),
    labelSelector: `${projectLabel}=${name}`,
    signal,
    onLost: (cause) => outages.lost('the cluster', cause),
    onResumed: () => outages.resumed('the cluster'),
    onFailed: (failure) => tellFailure(report, failure),
  });
}

/** Whether what one config applied is what the other one updates. */
function isSamePlace(a: Project, b: Project): boolean {
  return a.name === b.name && a.cluster.namespace === b.cluster.namespace && a.cluster.context === b.cluster.context;
}
