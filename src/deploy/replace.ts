import { pathOf } from '../kube/api-path.ts';
import type { ApiError, Kube } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import type { KubeObject } from '../objects.ts';
import type { Member } from './apply-set.ts';
import { askMaybe } from './ask.ts';
import { claimTemplatesOf } from './claims.ts';
import type { GroupKind } from './kinds.ts';
import { groupKindOf } from './kinds.ts';
import { fieldsOf, isImmutable } from './refusal.ts';

interface Way {
  readonly propagationPolicy: 'Foreground' | 'Background' | 'Orphan';
  /** What becomes of what it stands for. */
  readonly words: string;
  /** What a user can do about it. */
  readonly next?: string;
}

/**
 * The kubelet watches no immutable object, and drops its copy when the last pod that uses it has left the node: in a
 * rolling update the new pods start with the old values.
 * https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-immutable
 */
const immutableConfig: Way = {
  propagationPolicy: 'Background',
  words: 'a node gives new pods the old values as long as one that uses it runs there',
  next: "give it another name with each change, as kustomize's generators do, or leave `immutable` out",
};

/** What can be deleted and made again without losing anything but running processes. */
const ways: Readonly<Record<GroupKind, Way>> = {
  'Job.batch': { propagationPolicy: 'Foreground', words: 'it runs again' },
  Pod: { propagationPolicy: 'Foreground', words: 'its containers start anew' },
  'Deployment.apps': { propagationPolicy: 'Foreground', words: 'its pods are replaced all at once' },
  'ReplicaSet.apps': { propagationPolicy: 'Foreground', words: 'its pods are replaced all at once' },
  'DaemonSet.apps': { propagationPolicy: 'Foreground', words: 'its pods are replaced all at once' },
  'StatefulSet.apps': {
    propagationPolicy: 'Orphan',
    words: 'its pods are taken over, and its claims stay as they are',
  },
  Service: { propagationPolicy: 'Background', words: 'it gets another cluster IP' },
  ConfigMap: immutableConfig,
  Secret: immutableConfig,
  'RoleBinding.rbac.authorization.k8s.io': { propagationPolicy: 'Background', words: 'the role is bound anew' },
  'ClusterRoleBinding.rbac.authorization.k8s.io': { propagationPolicy: 'Background', words: 'the role is bound anew' },
};

/** @returns how an object that refused a change in place is replaced, and what a user is told before; undefined: not at all. */
export function wayToReplace(
  { id, metadata }: Pick<Member, 'id' | 'metadata'>,
  error: ApiError,
): (Way & { readonly because: string }) | undefined {
  const way = ways[groupKindOf(id)];
  if (!way || !isImmutable(error) || metadata.uid === undefined) return undefined;
  return { ...way, because: fieldsOf(error) };
}

interface StatefulSetSpec {
  readonly persistentVolumeClaimRetentionPolicy?: { readonly whenDeleted?: string };
}

/**
 * A pod can't be given another claim, and the StatefulSet controller goes no further where it tries: pods that lack a claim of
 * the new state go with the old one. With `whenDeleted: Delete` its claims would, too, unless it goes alone: then they are
 * deleted one by one while the new one is waited for.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/statefulset/stateful_pod_control.go (UpdateStatefulPod)
 *
 * @param live the StatefulSet of the cluster. @param object what it is replaced by.
 */
export function wayWithClaims<T extends Way>(way: T, live: KubeObject, object: KubeObject): T {
  const known = new Set(claimTemplatesOf(live));
  const isMissing = claimTemplatesOf(object).some((name) => !known.has(name));
  if (!isMissing) return way;
  const { persistentVolumeClaimRetentionPolicy: policy } = (live['spec'] ?? {}) as StatefulSetSpec;
  const { observedGeneration } = (live['status'] ?? {}) as { readonly observedGeneration?: number };
  // Another policy that was asked for a moment ago may not have reached its claims.
  const isSettled = observedGeneration === undefined || observedGeneration >= (live.metadata.generation ?? 0);
  if (policy?.whenDeleted === 'Delete' || !isSettled)
    return {
      ...way,
      words: 'its pods, which lack a new claim, are replaced one by one, and its claims stay as they are',
    };
  const words = 'its pods, which lack a new claim, are replaced all at once, and its claims stay as they are';
  return { ...way, propagationPolicy: 'Foreground', words };
}

/** Deletes the object that was seen; it may take a while to go. @throws ApiError, Failure `unreachable`. */
export async function removeForReplacement(
  kube: Kube,
  { id, resource, metadata }: Member,
  { propagationPolicy }: Way,
): Promise<void> {
  const path = pathOf(resource, id);
  const preconditions = { uid: metadata.uid };
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, preconditions };
  // Gone is gone: the answer of a DELETE that is made again after a cut says so.
  await askMaybe(kube, { method: 'DELETE', path, body, signal: never });
}
