import type { KubeObject } from '../objects.ts';
import type { PodState } from '../pods/pod-state.ts';
import { claimTemplatesOf } from './claims.ts';

/**
 * Whether a pod lacks a claim of a template of its StatefulSet: it can't be given one, and the controller goes no further
 * where it tries. https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/statefulset/stateful_set_utils.go (storageMatches)
 */
export function lacksClaim(statefulSet: KubeObject, { name, claims, deleting }: PodState): boolean {
  return !deleting && claimTemplatesOf(statefulSet).some((template) => !claims.includes(`${template}-${name}`));
}

/** @returns the pod that the controller is stuck on, once all before it are there and ready: it takes them in their order. */
export function firstLacking(statefulSet: KubeObject, pods: readonly PodState[]): PodState | undefined {
  const { ordinals } = (statefulSet['spec'] ?? {}) as { readonly ordinals?: { readonly start?: number } };
  const [first] = pods.filter((pod) => lacksClaim(statefulSet, pod)).sort((a, b) => ordinalOf(a) - ordinalOf(b));
  if (!first) return undefined;
  const before = pods.filter((pod) => ordinalOf(pod) < ordinalOf(first));
  const isNext = before.length === ordinalOf(first) - (ordinals?.start ?? 0) && before.every(({ ready }) => ready);
  return isNext ? first : undefined;
}

export function ordinalOf({ name }: PodState): number {
  return Number(/\d+$/.exec(name)?.[0] ?? -1);
}
