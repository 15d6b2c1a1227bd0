import { type ApplySet, readApplySet } from '../deploy/apply-set.ts';
import { clusterFailure } from '../deploy/ask.ts';
import { listMembers } from '../deploy/list-members.ts';
import { mayServePods } from '../deploy/ranks.ts';
import { Failures } from '../errors.ts';
import type { Kube } from '../kube/kube.ts';
import type { Project, Service } from '../project.ts';
import { unknownSources } from './unknown-sources.ts';

/**
 * What a project has in the cluster, by its inventory; undefined when nothing of it was ever applied there.
 *
 * @throws Failures `usage` for a selected name that neither the config nor the cluster has, `unreachable`, `refused`.
 */
export async function readSet(
  kube: Kube,
  { name, cluster, services }: Project,
  selection: readonly string[],
  signal: AbortSignal,
): Promise<ApplySet | undefined> {
  try {
    const set = await readApplySet(kube, { name, namespace: cluster.namespace }, signal);
    if (set && selection.length > 0) await checkSelection(kube, set, selection, services, signal);
    return set;
  } catch (error) {
    throw clusterFailure(error);
  }
}

/** @returns where the project has objects, its own namespace first. @throws Failure `unreachable`, `refused`. */
export async function namespacesOfProject(
  kube: Kube,
  project: Project,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const set = await readSet(kube, project, [], signal);
  return [project.cluster.namespace, ...(set?.namespaces ?? [])];
}

/** Where nothing stands in the cluster yet, any name may be that of a workload to come. */
async function checkSelection(
  kube: Kube,
  set: ApplySet,
  selection: readonly string[],
  services: readonly Service[],
  signal: AbortSignal,
): Promise<void> {
  const listed = await listMembers(kube, set, signal);
  const members = listed.members.filter(({ id }) => mayRunContainers(id));
  // One that can't be seen may bear the name.
  if (
    members.length === 0 ||
    listed.unseen.some(({ resource }) => mayRunContainers(resource) && !mayServePods(resource))
  )
    return;
  const [first, ...rest] = unknownSources(selection, [
    ...services.map(({ name }) => name),
    ...members.map(({ id }) => id.name),
  ]);
  if (first) throw new Failures([first, ...rest]);
}

/** Of the core kinds only Pods do. */
function mayRunContainers({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): boolean {
  return apiVersion !== 'v1' || kind === 'Pod';
}
