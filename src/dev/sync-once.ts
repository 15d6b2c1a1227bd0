import { clusterFailure } from '../deploy/ask.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube } from '../kube/kube.ts';
import type { Mask } from '../lib/mask.ts';
import { containersOf, podTemplateOf } from '../manifests/pod-template.ts';
import type { KubeObject } from '../objects.ts';
import type { Project, Service } from '../project.ts';
import type { SyncTarget } from '../sync/sync-target.ts';
import { type SyncOutcome, Syncer } from '../sync/syncer.ts';
import { learnApplied } from '../up/learn-secrets.ts';
import { maskReports } from '../up/mask-reports.ts';
import { planService } from '../up/plan.ts';
import { unknownSources } from '../up/unknown-sources.ts';
import { findCovered } from './covered-files.ts';
import { followUp } from './follow-ups.ts';
import { groundOfService } from './ground.ts';
import { findStanding, type StandingWorkload } from './standing.ts';

export interface SyncOnceOptions {
  readonly kube: Kube;
  readonly project: Project;
  readonly service: string;
  /** Absolute; none: everything that can be synced. */
  readonly paths: readonly string[];
  /** How messages name a path. */
  readonly shown: (path: string) => string;
  /** Learns what the project's Secrets hold, which the command of `afterSync` may print. */
  readonly mask: Mask;
  /** Gets what `afterSync` came to. */
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * Brings files into the running containers of a service, those of the image that its workload asks for now, and does what
 * `afterSync` asks for. Resolves when each container has acknowledged each file, having reported it; how `afterSync` went
 * is reported, and no error.
 *
 * @throws Failure `usage` for an unknown service or a path that can't be synced, `notReady` when no container runs,
 * `unreachable` when one does not take the files or goes away; AbortError.
 */
export async function syncOnce(options: SyncOnceOptions): Promise<void> {
  const { kube, project, paths, shown, mask, signal } = options;
  const report = maskReports(options.report, mask);
  const startedAt = performance.now();
  const service = findService(project, options.service);
  const ground = groundOfService({ ...(await planService(service, 'dev')), selected: true });
  const { changed, removed } = await findCovered({ service: ground, paths, shown, signal });
  const targets = await currentTargets(kube, project, service, signal);
  await using syncer = new Syncer(kube);
  const outcome = await syncer.sync({ service: service.name, files: changed, removed, targets, signal });
  const { files, containers } = requireSynced(service, outcome);
  const ms = performance.now() - startedAt;
  if (service.afterSync?.kind === 'exec') await learnApplied({ kube, project, mask, report, signal });
  await followUp(
    { kube, report, signal, action: service.afterSync },
    { type: 'sync.done', service: service.name, files, containers, ms },
    targets,
  );
}

function findService({ services }: Project, name: string): Service {
  const service = services.find((each) => each.name === name);
  if (!service) {
    const names = services.map((each) => each.name);
    const [failure] = unknownSources([name], names);
    throw failure ?? new Failure('usage', `there is no service ${name}`);
  }
  if (service.sync.length > 0 || service.autoSync) return service;
  throw new Failure('usage', `nothing of ${name} is synced`, {
    next: `give it \`sync: auto\`, or rules, in ${name} of stormctl.yaml`,
  });
}

async function currentTargets(
  kube: Kube,
  project: Project,
  service: Service,
  signal: AbortSignal,
): Promise<readonly SyncTarget[]> {
  const workloads = await findStanding(kube, project, service.name, signal);
  const targets = await Promise.all(workloads.map((workload) => targetsOf(kube, workload, signal)));
  return targets.flat();
}

/** While a rollout goes on, containers of the image before it are about to end. */
async function targetsOf(
  kube: Kube,
  { member, running }: StandingWorkload,
  signal: AbortSignal,
): Promise<readonly SyncTarget[]> {
  try {
    const object = await kube.request<KubeObject>({ method: 'GET', path: pathOf(member.resource, member.id), signal });
    const template = podTemplateOf(object);
    const containers = template ? containersOf(template, 'containers') : [];
    return running.filter(({ container, image }) =>
      containers.some((each) => each.name === container && each.image === image),
    );
  } catch (error) {
    throw clusterFailure(error);
  }
}

function requireSynced({ name }: Service, outcome: SyncOutcome): Extract<SyncOutcome, { kind: 'synced' }> {
  switch (outcome.kind) {
    case 'synced':
      return outcome;
    case 'noContainers':
      throw new Failure('notReady', `no container of ${name} runs the image that its workload asks for`, {
        next: 'see what keeps it from running: `stormctl logs`, or kubectl get pods',
      });
    case 'pending':
      throw new Failure('unreachable', `not synced: ${outcome.because}`, { next: 'run it again' });
    case 'needsRebuild':
      throw new Failure('unreachable', `can't sync: ${outcome.because}`, {
        next: outcome.next ?? `build it anew: \`stormctl run ${name}\``,
      });
  }
}
