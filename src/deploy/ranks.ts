import { groupKindOf } from './kinds.ts';
import type { GroupKind } from './kinds.ts';

/** What has to be there before what: each rank is written after the one before it, and removed before it. */
const ranks: readonly (readonly GroupKind[])[] = [
  ['Namespace', 'CustomResourceDefinition.apiextensions.k8s.io'],
  [
    'ServiceAccount',
    'Role.rbac.authorization.k8s.io',
    'RoleBinding.rbac.authorization.k8s.io',
    'ClusterRole.rbac.authorization.k8s.io',
    'ClusterRoleBinding.rbac.authorization.k8s.io',
    'ConfigMap',
    'Secret',
    'LimitRange',
    'ResourceQuota',
    'PriorityClass.scheduling.k8s.io',
    'StorageClass.storage.k8s.io',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'Service',
  ],
  ['Pod', 'ReplicaSet.apps', 'Deployment.apps', 'StatefulSet.apps', 'DaemonSet.apps', 'Job.batch', 'CronJob.batch'],
];

const rankOfPods = ranks.findIndex((kinds) => kinds.includes('Pod'));

/** Whether pods may need an object of this kind for as long as they run: what is ranked before them. */
export function mayServePods(id: { readonly apiVersion: string; readonly kind: string }): boolean {
  const kind = groupKindOf(id);
  return ranks.slice(0, rankOfPods).some((kinds) => kinds.includes(kind));
}

/** @returns the items by rank, first to last; kinds that no rank names come last. */
export function byRank<T>(
  items: readonly T[],
  kindOf: (item: T) => { readonly apiVersion: string; readonly kind: string },
): readonly (readonly T[])[] {
  const groups: T[][] = Array.from({ length: ranks.length + 1 }, () => []);
  for (const item of items) {
    const kind = groupKindOf(kindOf(item));
    const rank = ranks.findIndex((kinds) => kinds.includes(kind));
    groups[rank < 0 ? ranks.length : rank]?.push(item);
  }
  return groups.filter((group) => group.length > 0);
}
