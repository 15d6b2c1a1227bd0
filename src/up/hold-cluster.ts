import type { ApplySetRef } from '../deploy/apply-set.ts';
import { checkUnheld, holdProject } from '../deploy/project-hold.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { LinkedSignal } from '../lib/abort.ts';
import { type OpenCluster, openForReading, type SiteOptions } from './site.ts';

export interface HoldClusterOptions {
  readonly ref: ApplySetRef;
  /** `dev`, `run` … : what others are told. */
  readonly command: string;
  readonly makesNamespace: boolean;
  /** How long a namespace that is being deleted is waited for. Default: for as long as it takes. */
  readonly removalMs?: number;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/** A project that this session alone writes to. Disposing it lets others; the cluster stays open. */
export interface Held extends AsyncDisposable {
  /** Of the project's cluster; writes are refused once the project is another session's. */
  readonly kube: Kube;
  /** Aborted, with a Failure `guard` as its reason, when nothing may be written any more. */
  readonly stopped: AbortSignal;
}

/** @throws as holdProject. */
export async function holdCluster(
  { kube, other, behind }: Pick<OpenCluster, 'kube' | 'other' | 'behind'>,
  options: HoldClusterOptions,
): Promise<Held> {
  const hold = await holdProject({ kube, ...options });
  const stopped = new LinkedSignal(other, hold.lost);
  return {
    kube: behind(hold),
    stopped: stopped.signal,
    [Symbol.asyncDispose]: async () => {
      using _ = stopped;
      await hold[Symbol.asyncDispose]();
    },
  };
}

/**
 * For what fails because another session has the project, as its ports do. @throws Failure `guard` that says who has it;
 * AbortError. A cluster that can't tell has nothing to add.
 */
export async function tellHolder({ project, context, env, signal }: Omit<SiteOptions, 'report'>): Promise<void> {
  try {
    await using kube = await openForReading(context ?? project.cluster.context, env);
    await checkUnheld(kube, { name: project.name, namespace: project.cluster.namespace }, signal);
  } catch (error) {
    if (signal.aborted || (error instanceof Failure && error.kind === 'guard')) throw error;
  }
}
