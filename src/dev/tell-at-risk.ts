import { readApplySet } from '../deploy/apply-set.ts';
import { clusterFailure } from '../deploy/ask.ts';
import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import type { Project } from '../project.ts';

/**
 * Says at the start that the end of the session takes away what was deployed before it, by `run` say, while there is time to
 * keep it. @throws Failure `guard` when the inventory is somebody else's, `unreachable`; AbortError.
 */
export async function tellAtRisk(
  kube: Kube,
  { name, cluster: { namespace }, onExit }: Pick<Project, 'name' | 'cluster' | 'onExit'>,
  report: Reporter,
  signal: AbortSignal,
): Promise<void> {
  if (onExit === 'keep') return;
  try {
    const set = await readApplySet(kube, { name, namespace }, signal);
    if (!set || set.isDeleted) return;
  } catch (error) {
    throw clusterFailure(error);
  }
  report({
    type: 'warning',
    text: `${name} was deployed in ${namespace} before: Ctrl+C deletes that too, and keeps volumes and the namespace`,
    next: 'to leave everything running, set `onExit: keep` in the config: that can be saved while `dev` runs',
  });
}
