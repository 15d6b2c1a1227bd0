import { lastShipped } from '../images/ship-service.ts';
import type { Project } from '../project.ts';
import type { ApplyLoop } from '../up/apply-loop.ts';
import { deliver } from '../up/deliver.ts';
import { forwardRules } from '../up/endpoints.ts';
import { launchOf } from '../up/launch.ts';
import type { Plan, PlannedService } from '../up/plan.ts';
import { planProject } from '../up/plan-project.ts';
import type { Site } from '../up/site.ts';
import type { Workshop } from '../up/workshop.ts';
import { isSameProject } from './is-same-project.ts';
import { openUrl } from './open-url.ts';
import { restartService } from './restart-service.ts';
import type { ServiceSync } from './service-sync.ts';
import type { Shared } from './session-options.ts';
import { syncInstead } from './sync-instead.ts';

/** What is done for the loop, and takes time. */
export interface LoopWork {
  /** Builds and ships one service. */
  readonly deliver: (planned: PlannedService, because: string, signal: AbortSignal) => Promise<string>;
  /** Renders the manifests again, for services whose Dockerfiles are known. */
  readonly replan: (services: readonly PlannedService[], signal: AbortSignal) => Promise<Plan>;
  /** What a person asks for is rendered again, though no file has changed: it may come from elsewhere. */
  readonly renderAnew: () => void;
  /** Called when the manifests were rendered again, before they are applied. What it throws is told. */
  readonly onPlanned: (plan: Plan) => Promise<void>;
  /** Reads the project again, and makes sure that it can be planned; undefined: it is as it was. */
  readonly reconfigure: (signal: AbortSignal) => Promise<Project | undefined>;
  /** Resolves when the service is ready again. */
  readonly restart: (service: string, signal: AbortSignal) => Promise<void>;
  readonly openUrl: (url: string, signal: AbortSignal) => Promise<void>;
}

/** What the work of a session is done with. */
export interface Tools {
  readonly project: Project;
  readonly site: Site;
  readonly workshop: Workshop;
  readonly apply: ApplyLoop;
  readonly sync: ServiceSync;
}

/** @returns the work of a session's loop, done with what the session has opened. */
export function loopWork(tools: Tools, options: Shared): LoopWork {
  const { project, site } = tools;
  const { selection, env, report, forwards, renders, remotes, restraints } = options;
  return {
    deliver: (planned, because, signal) => deliverAnew(tools, planned, because, signal),
    replan: (known, signal) => planProject({ ...options, project, signal }, 'dev', { known, renders }),
    renderAnew: () => renders.forget(),
    onPlanned: async (fresh) => {
      if (restraints.watch) remotes.tell(fresh.inputs.remote);
      await forwards.update(forwardRules(project, fresh, selection));
    },
    reconfigure: async (signal) => {
      const fresh = await options.load();
      if (isSameProject(project, fresh)) return undefined;
      await planProject({ ...options, project: fresh, signal }, 'dev', { renders });
      return fresh;
    },
    restart: async (service, signal) => {
      await restartService({ kube: site.kube, project, service, report, signal });
    },
    openUrl: (url, signal) => openUrl(url, env, report, signal),
  };
}

/** A service that was not asked for keeps the image that was shipped last, if there is one. */
async function deliverAnew(
  { site, workshop, apply, sync }: Tools,
  planned: PlannedService,
  because: string,
  signal: AbortSignal,
): Promise<string> {
  const { service, selected } = planned;
  const last = selected ? undefined : lastShipped(workshop.images, service, site.place);
  if (last !== undefined) return last;
  const { report } = workshop;
  // An image that runs was not good enough if it is to be built again.
  const isFirst = apply.imageOf(service.name) === undefined;
  const accept = isFirst ? syncInstead({ planned, sync, report }) : undefined;
  const pinned = await deliver(site, workshop, planned, because, signal, accept);
  const launch = await launchOf(site.engine, service, pinned, report, signal);
  if (launch) apply.setLaunch(pinned, launch);
  return pinned;
}
