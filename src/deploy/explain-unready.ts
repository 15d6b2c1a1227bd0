import type { KubeObject, ObjectId } from '../objects.ts';
import { explainPods, explainRestarts, type PodTrouble } from '../pods/explain-pod.ts';
import type { PodState } from '../pods/pod-state.ts';
import { type Readiness, readinessOf } from './readiness.ts';
import { explainStaying } from './older-pods.ts';
import { conditionOf } from './conditions.ts';
import type { Warnings } from './warnings.ts';

export interface Explained {
  readonly kind: Readiness['kind'];
  /** Empty when it is ready. */
  readonly because: string;
  readonly brief: string | undefined;
  /** A step that every start takes, unless it lasts. */
  readonly usual: boolean;
  /** The pod that is to blame, where there is one. */
  readonly trouble: PodTrouble | undefined;
}

export interface Evidence {
  /** undefined: it is not there. */
  readonly object: KubeObject | undefined;
  /** Of the project, in any order. */
  readonly pods: readonly PodState[];
  readonly warnings: Warnings;
}

/** @returns whether an object is ready, and the best that is known of why it is not. */
export function explainUnready(id: ObjectId, { object, pods, warnings }: Evidence): Explained {
  const state: Readiness = object ? readinessOf(object) : { kind: 'waiting', because: 'it is not there yet' };
  if (state.kind === 'ready') return { kind: 'ready', because: '', brief: undefined, usual: false, trouble: undefined };
  const there = podsOf(id, pods);
  const isHindered = object !== undefined && lacksNewPods(object, there, warnings);
  // None of the state that was asked for can be made: the pods that are there are of older ones, and not to blame.
  const own = isHindered ? [] : there;
  const found = explainPods(own) ?? explainRestarts(own);
  const refined = found && warnings.refine(found);
  const trouble = refined && object ? explainStaying(object, refined) : refined;
  // Pods that are not there can't tell.
  const isOpen = object !== undefined && state.kind === 'waiting' && (!trouble || trouble.usual);
  const creation = isOpen ? warnings.ofCreation(object.metadata.uid) : undefined;
  const unbound = isOpen ? warnings.ofClaim(object) : undefined;
  const isFault = isHindered || creation !== undefined || (unbound?.isFault ?? false);
  const usual = state.kind === 'waiting' && !isFault && (trouble?.usual ?? true);
  const brief = creation === undefined ? trouble?.brief : undefined;
  const because = creation ?? trouble?.because ?? (unbound ? `${state.because}: ${unbound.why}` : state.because);
  return { kind: state.kind, because, brief, usual, trouble };
}

interface Updated {
  /** Of Deployments and StatefulSets. */
  readonly updatedReplicas?: number;
  /** Of DaemonSets. */
  readonly updatedNumberScheduled?: number;
}

/**
 * Whether a workload has no pod of its newest state since its controller is kept from making any. The ReplicaSets of a
 * Deployment say so in its conditions; the controllers of StatefulSets and DaemonSets in events alone, which outlive their cause.
 */
function lacksNewPods(object: KubeObject, pods: readonly PodState[], warnings: Warnings): boolean {
  const { updatedReplicas = 0, updatedNumberScheduled = 0 } = (object['status'] ?? {}) as Updated;
  if (updatedReplicas + updatedNumberScheduled > 0) return false;
  return (
    conditionOf(object, 'ReplicaFailure')?.status === 'True' || warnings.isCreationFailing(object.metadata.uid, pods)
  );
}

/** @returns the pods that a workload made, or the pod itself. */
export function podsOf({ kind, namespace, name }: ObjectId, pods: readonly PodState[]): readonly PodState[] {
  return pods.filter((pod) => pod.namespace === namespace && pod.workload.kind === kind && pod.workload.name === name);
}
