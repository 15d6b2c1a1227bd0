import type { Endpoint } from '../events.ts';
import { LinkedSignal } from '../lib/abort.ts';
import type { Scope } from '../lib/scope.ts';
import type { Asked } from '../deploy/protected.ts';
import { lastShipped } from '../images/ship-service.ts';
import type { ApplyLoop } from './apply-loop.ts';
import { deliver } from './deliver.ts';
import { holdCluster } from './hold-cluster.ts';
import { withSecretsKnown } from './learn-secrets.ts';
import { maskReports } from './mask-reports.ts';
import { nodePortUrls } from './endpoints.ts';
import type { Plan } from './plan.ts';
import { planProject, type UpOptions } from './plan-project.ts';
import { runOnce } from './run-once.ts';
import { tellNothing } from './tell-nothing.ts';
import { openSite, type Site } from './site.ts';
import { openWorkshop } from './workshop.ts';

export interface Up {
  readonly plan: Plan;
  readonly site: Site;
  readonly loop: ApplyLoop;
  readonly urls: readonly Endpoint[];
}

export interface ImageChoice {
  /** Its name: what other sessions are told of this one. */
  readonly command: string;
  /** Take what was shipped last of services that were not asked for, or of all, and build what never was. */
  readonly last: 'unselected' | 'all';
  /** Whether fields that others hold are taken from them. */
  readonly forceConflicts: boolean;
  /** What of that which left the manifests goes only when it is asked for. */
  readonly prunes: Asked;
}

/**
 * What `run` does: everything once, with the project held meanwhile. The engine and the cluster stay open until `scope`
 * ends. @throws as `runOnce`; Failure `guard` when the project is another session's, or becomes it.
 */
export async function bringProjectUp(options: UpOptions & ImageChoice, scope: Scope): Promise<Up> {
  const { project, signal, command } = options;
  const report = maskReports(options.report, options.mask);
  const plan = await planProject(options, 'run');
  tellNothing(plan, report);
  const site = await openSite({ ...options, report });
  scope.own(site.engine);
  scope.own(site.kube);
  const ref = { name: project.name, namespace: project.cluster.namespace };
  await using held = await holdCluster(site, {
    ref,
    command,
    makesNamespace: true,
    removalMs: project.timeoutMs,
    report,
    signal,
  });
  using writing = new LinkedSignal(signal, held.stopped);
  const workshop = await openWorkshop(project, report);
  const known = { kube: site.kube, project, mask: options.mask, report, signal };
  const loop = await runOnce({
    plan,
    site: { ...site, kube: held.kube },
    deliver: async (planned, abort) => {
      const mayBeOld = options.last === 'all' || !planned.selected;
      const last = mayBeOld ? lastShipped(workshop.images, planned.service, site.place) : undefined;
      return last ?? deliver(site, workshop, planned, 'for this run', abort);
    },
    forceConflicts: options.forceConflicts,
    prunes: options.prunes,
    report,
    signal: writing.signal,
    timeoutMs: project.timeoutMs,
  }).catch((error: unknown) => {
    if (held.stopped.aborted) throw held.stopped.reason;
    return withSecretsKnown(error, known);
  });
  return {
    plan,
    site,
    loop,
    urls: nodePortUrls(plan, site.published),
  };
}
