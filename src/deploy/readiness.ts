import { creationWords } from './creation-words.ts';
import { groupKindOf } from './kinds.ts';
import { type Condition, conditionOf } from './conditions.ts';
import { groupOf } from '../objects.ts';
import type { KubeObject, ObjectId } from '../objects.ts';

export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'waiting'; readonly because: string }
  /** It will not become ready by waiting. */
  | { readonly kind: 'failed'; readonly because: string };

const ready: Readiness = { kind: 'ready' };
const waitAnnotation = 'stormctl.dev/wait';

/** How each kind tells that it is ready; every other kind is, once it is written. */
const readinessOfKind: Readonly<Record<string, (object: KubeObject) => Readiness>> = {
  'Deployment.apps': deploymentReadiness,
  'StatefulSet.apps': statefulSetReadiness,
  'DaemonSet.apps': daemonSetReadiness,
  'ReplicaSet.apps': replicaSetReadiness,
  'Job.batch': jobReadiness,
  Pod: podReadiness,
  PersistentVolumeClaim: claimReadiness,
};

export function canBeUnready(id: ObjectId): boolean {
  return groupKindOf(id) in readinessOfKind || isCustom(id);
}

/** Whether Kubernetes itself has not got a kind: its conditions tell then. The groups of its own have no dot, or end so. */
export function isCustom({ apiVersion }: { readonly apiVersion: string }): boolean {
  const group = groupOf(apiVersion);
  return group.includes('.') && !/(^|\.)k8s\.io$/.test(group);
}

/** @returns the readiness of the state that was asked for last, never of the one before (observedGeneration). */
export function readinessOf(object: KubeObject): Readiness {
  const { observedGeneration } = (object['status'] ?? {}) as { readonly observedGeneration?: number };
  const { generation, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined) return waiting('it is being deleted');
  if (!isAwaited(object)) return ready;
  const lags = observedGeneration === undefined || observedGeneration < (generation ?? 0);
  if (groupKindOf(object).endsWith('.apps') && lags) return waiting('its controller has not seen it yet');
  if (isCustom(object)) return customReadiness(object);
  return readinessOfKind[groupKindOf(object)]?.(object) ?? ready;
}

/** Whether it matters when an object is ready: `stormctl.dev/wait: "false"` on it says that nothing waits for it. */
export function isAwaited({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[waitAnnotation] !== 'false';
}

/** As kstatus reads conditions; one that has none is ready. https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus */
function customReadiness(object: KubeObject): Readiness {
  const { observedGeneration } = (object['status'] ?? {}) as { readonly observedGeneration?: unknown };
  const told = typeof observedGeneration === 'number' ? { observedGeneration } : {};
  const conditions = ['Stalled', 'Ready', 'Available', 'Reconciling'].map((type) => conditionOf(object, type));
  // Some controllers note it on the whole, some on each condition.
  const isOld = ({ observedGeneration: seen = Infinity }) => seen < (object.metadata.generation ?? 0);
  if ([told, ...conditions.filter((each) => each !== undefined)].some(isOld))
    return waiting('its controller has not seen it yet');
  const [stalled, readiness, available, busy] = conditions;
  const words = ({ type, reason, message }: Condition) =>
    [`${type} (${reason ?? 'no reason'})`, message].filter(Boolean).join(': ');
  if (stalled?.status === 'True') return { kind: 'failed', because: `it is ${words(stalled)}` };
  const unready = [readiness, available].find((each) => each && each.status !== 'True');
  if (unready) return waiting(`it is not ${words(unready)}`);
  return busy?.status === 'True' ? waiting(`it is ${words(busy)}`) : ready;
}

interface Counts {
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly currentRevision?: string;
  readonly updateRevision?: string;
  readonly desiredNumberScheduled?: number;
  readonly updatedNumberScheduled?: number;
  readonly numberAvailable?: number;
  readonly succeeded?: number;
  readonly phase?: string;
}

interface Spec {
  readonly replicas?: number;
  readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
  readonly completions?: number;
  readonly suspend?: boolean;
  readonly paused?: boolean;
}

/** As kubectl's rollout status judges it: the new replicas are there and available, and no old one is left. */
function deploymentReadiness(object: KubeObject): Readiness {
  const { updatedReplicas = 0, replicas: all = 0, availableReplicas = 0 } = statusOf(object);
  const { replicas = 1, paused = false } = specOf(object);
  const failure = conditionOf(object, 'ReplicaFailure');
  if (failure?.status === 'True') return waiting(creationWords(failure.message ?? 'no reason is given'));
  // Its controller makes no pods of a new state until it goes on.
  if (paused && (updatedReplicas < replicas || all > updatedReplicas))
    return { kind: 'failed', because: 'it is paused (spec.paused), so its new state is not rolled out' };
  if (updatedReplicas < replicas) return waiting(`${updatedReplicas} of ${replicas} pods are made`);
  if (availableReplicas < updatedReplicas)
    return waiting(`${availableReplicas} of ${updatedReplicas} pods are available`);
  return all > updatedReplicas ? waiting(`${all - updatedReplicas} pods of the old state are left`) : ready;
}

function statefulSetReadiness(object: KubeObject): Readiness {
  const { updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = statusOf(object);
  const { replicas = 1, updateStrategy } = specOf(object);
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  const toUpdate = updateStrategy?.type === 'OnDelete' ? 0 : Math.max(0, replicas - partition);
  if (readyReplicas < replicas) return waiting(`${readyReplicas} of ${replicas} pods are ready`);
  if (updatedReplicas < toUpdate) return waiting(`${updatedReplicas} of ${toUpdate} pods are updated`);
  return availableReplicas < replicas ? waiting(`${availableReplicas} of ${replicas} pods are available`) : ready;
}

function daemonSetReadiness(object: KubeObject): Readiness {
  const { desiredNumberScheduled = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = statusOf(object);
  const onDelete = specOf(object).updateStrategy?.type === 'OnDelete';
  if (!onDelete && updatedNumberScheduled < desiredNumberScheduled)
    return waiting(`${updatedNumberScheduled} of ${desiredNumberScheduled} pods are updated`);
  return numberAvailable < desiredNumberScheduled
    ? waiting(`${numberAvailable} of ${desiredNumberScheduled} pods are available`)
    : ready;
}

function replicaSetReadiness(object: KubeObject): Readiness {
  const { readyReplicas = 0 } = statusOf(object);
  const { replicas = 1 } = specOf(object);
  return readyReplicas < replicas ? waiting(`${readyReplicas} of ${replicas} pods are ready`) : ready;
}

function jobReadiness(object: KubeObject): Readiness {
  const failed = conditionOf(object, 'Failed');
  if (failed?.status === 'True') return { kind: 'failed', because: failed.message ?? 'it failed' };
  if (conditionOf(object, 'Complete')?.status === 'True' || specOf(object).suspend) return ready;
  return waiting(`${statusOf(object).succeeded ?? 0} of ${specOf(object).completions ?? 1} runs are done`);
}

function podReadiness(object: KubeObject): Readiness {
  const { phase } = statusOf(object);
  if (phase === 'Failed') return { kind: 'failed', because: 'it failed and is not started again' };
  if (phase === 'Succeeded' || conditionOf(object, 'Ready')?.status === 'True') return ready;
  return waiting('it is not ready');
}

function claimReadiness(object: KubeObject): Readiness {
  const { phase } = statusOf(object);
  if (phase === 'Bound') return ready;
  if (phase === 'Lost') return { kind: 'failed', because: 'its volume is gone' };
  return waiting('no volume is bound to it');
}

function statusOf(object: KubeObject): Counts {
  return object['status'] ?? {};
}

function specOf(object: KubeObject): Spec {
  return object['spec'] ?? {};
}

function waiting(because: string): Readiness {
  return { kind: 'waiting', because };
}
