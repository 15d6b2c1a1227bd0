import { applySetId } from '../deploy/apply-set.ts';
import type { ClusterIdentity } from '../deploy/identity.ts';
import type { Reporter } from '../events.ts';
import type { Mask } from '../lib/mask.ts';
import type { Project } from '../project.ts';
import { learnPlanned } from './learn-secrets.ts';
import { makePlan, type Mode, type Plan, type PlanOptions } from './plan.ts';

/** What a command knows that does something with a project. */
export interface UpOptions {
  readonly project: Project;
  readonly selection: readonly string[];
  readonly context: string | undefined;
  /** The cluster that it has to be; default: whichever the context leads to. */
  readonly expected?: ClusterIdentity | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Learns what the manifests' Secrets hold, and hides it in what is reported. */
  readonly mask: Mask;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * Plans a project in its own name, and learns what its Secrets hold. @param again of a session that plans more than once.
 * @throws Failures `usage`: see makePlan.
 */
export async function planProject(
  { project, selection, env, mask, signal }: Pick<UpOptions, 'project' | 'selection' | 'env' | 'mask' | 'signal'>,
  mode: Mode,
  again?: Pick<PlanOptions, 'known' | 'renders'>,
): Promise<Plan> {
  const { name, cluster } = project;
  const owner = { project: name, applySetId: applySetId({ name, namespace: cluster.namespace }) };
  const plan = await makePlan({ project, mode, owner, selection, env, signal, ...again });
  learnPlanned(plan, mask);
  return plan;
}
