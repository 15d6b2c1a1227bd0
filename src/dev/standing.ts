import type { ApplySet, Member } from '../deploy/apply-set.ts';
import { listMembers } from '../deploy/list-members.ts';
import { Failure } from '../errors.ts';
import type { Kube } from '../kube/kube.ts';
import { projectLabel } from '../objects.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';
import { openPodView } from '../pods/pod-view.ts';
import type { Project } from '../project.ts';
import type { SyncTarget } from '../sync/sync-target.ts';
import { readSet } from '../up/read-set.ts';
import { sourcesOf } from '../up/sources.ts';

/** A workload of the project that runs a service, or bears its name, as it stands in the cluster. */
export interface StandingWorkload {
  readonly member: Member;
  /** Its running containers that are the service's. */
  readonly running: readonly (SyncTarget & { readonly image: string })[];
}

/**
 * Finds a service, or a workload by its name, among what the project has in the cluster. Only members of its inventory
 * are found, whatever else carries its labels.
 *
 * @throws Failure `usage` for a name that nothing has, `notReady` when nothing of it stands there; `unreachable`; AbortError.
 */
export async function findStanding(
  kube: Kube,
  project: Project,
  name: string,
  signal: AbortSignal,
): Promise<readonly StandingWorkload[]> {
  const set = await readSet(kube, project, [name], signal);
  const pods = set ? await listPods(kube, project, set, signal) : [];
  const members = set ? (await listMembers(kube, set, signal)).members : [];
  const sourceOf = sourcesOf(project.services, [name]);
  const found = members.flatMap((member) => {
    const own = pods.filter((pod) => isOf(pod, member));
    const containers = own.flatMap((pod) =>
      pod.containers
        .filter((container) => !container.init && sourceOf(pod, container) !== undefined)
        .map((container) => ({ pod, container })),
    );
    if (containers.length === 0 && (member.id.name !== name || member.id.apiVersion === 'v1')) return [];
    return [{ member, running: containers.flatMap(({ pod, container }) => runningTarget(pod, container)) }];
  });
  if (found.length > 0) return found;
  throw new Failure('notReady', `${name} does not stand in the cluster`, {
    where: `${kube.target.context}, ${project.cluster.namespace}`,
    next: 'bring it up: `stormctl run`, or `stormctl dev`',
  });
}

async function listPods(
  kube: Kube,
  { name, cluster }: Project,
  { namespaces }: ApplySet,
  signal: AbortSignal,
): Promise<readonly PodState[]> {
  await using view = openPodView({
    kube,
    namespaces: [cluster.namespace, ...namespaces],
    labelSelector: `${projectLabel}=${name}`,
    signal,
  });
  return await view.until(() => true, signal);
}

function isOf({ namespace, workload }: PodState, { id }: Member): boolean {
  return workload.kind === id.kind && workload.name === id.name && namespace === id.namespace;
}

function runningTarget(
  { namespace, name, deleting }: PodState,
  { name: container, containerId, state, image }: ContainerState,
): readonly (SyncTarget & { readonly image: string })[] {
  if (deleting || state !== 'running' || containerId === undefined) return [];
  return [{ namespace, pod: name, container, containerId, image }];
}
