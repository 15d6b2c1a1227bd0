import type { Endpoint, Reporter } from '../events.ts';
import type { Mask } from '../lib/mask.ts';
import type { Scope } from '../lib/scope.ts';
import { applySetId } from '../deploy/apply-set.ts';
import { lastShipped } from '../images/ship-service.ts';
import type { Project } from '../project.ts';
import type { ApplyLoop } from './apply-loop.ts';
import { deliver } from './deliver.ts';
import { learnPlanned } from './learn-secrets.ts';
import { maskReports } from './mask-reports.ts';
import { nodePortUrls } from './endpoints.ts';
import { makePlan, type Mode, type Plan } from './plan.ts';
import { runOnce } from './run-once.ts';
import { openSite, type Site } from './site.ts';
import { openWorkshop } from './workshop.ts';

export interface UpOptions {
  readonly project: Project;
  readonly selection: readonly string[];
  readonly context: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Learns what the manifests' Secrets hold, and hides it in what is reported. */
  readonly mask: Mask;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

export interface Up {
  readonly plan: Plan;
  readonly site: Site;
  readonly loop: ApplyLoop;
  readonly urls: readonly Endpoint[];
}

export interface ImageChoice {
  /** Take what was shipped last of services that were not asked for, or of all, and build what never was. */
  readonly last: 'unselected' | 'all';
}

/** What `run` does: everything once. The engine and the cluster stay open until `scope` ends. @throws as `runOnce`. */
export async function bringProjectUp(options: UpOptions & ImageChoice, scope: Scope): Promise<Up> {
  const { project, signal } = options;
  const report = maskReports(options.report, options.mask);
  const plan = await planProject(options, 'run');
  const site = await openSite({ ...options, report });
  scope.own(site.engine);
  scope.own(site.kube);
  const workshop = await openWorkshop(project, report);
  const loop = await runOnce({
    plan,
    site,
    deliver: async (planned, abort) => {
      const mayBeOld = options.last === 'all' || !planned.selected;
      const last = mayBeOld ? lastShipped(workshop.images, planned.service, site.place) : undefined;
      return last ?? deliver(site, workshop, planned, 'for this run', abort);
    },
    report,
    signal,
    timeoutMs: project.timeoutMs,
  });
  return {
    plan,
    site,
    loop,
    urls: nodePortUrls(plan, site.published),
  };
}

/** @throws Failures `usage`: see makePlan. */
export async function planProject({ project, selection, env, mask, signal }: UpOptions, mode: Mode): Promise<Plan> {
  const { name, cluster } = project;
  const owner = { project: name, applySetId: applySetId({ name, namespace: cluster.namespace }) };
  const plan = await makePlan({ project, mode, owner, selection, env, signal });
  learnPlanned(plan, mask);
  return plan;
}
