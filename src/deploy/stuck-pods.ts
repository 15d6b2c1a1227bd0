import type { Reporter } from '../events.ts';
import { ApiError, type Kube } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import { formatId, idOf, type KubeObject } from '../objects.ts';
import { explainPod } from '../pods/explain-pod.ts';
import { type PodState, readPod } from '../pods/pod-state.ts';
import { askMaybe } from './ask.ts';
import { firstLacking, lacksClaim, ordinalOf } from './lacking-pods.ts';
import { choiceOf, holdsUp } from './older-pods.ts';

/** How long a pod may take for steps that every start takes. */
const usualForMs = 10_000;

interface StuckPod {
  readonly pod: PodState;
  /** `of its older state (crash loop) holds up the new one` */
  readonly because: string;
}

/**
 * Deletes pods that a StatefulSet is stuck on: its controller replaces no pod before all are ready, so one of an older state
 * that never gets ready holds up the state that would mend it, https://github.com/kubernetes/kubernetes/issues/67250; and
 * it can't give a pod another claim.
 *
 * Claims are never touched. With `updateStrategy: OnDelete` or a `partition` the pods are somebody's to choose.
 */
export class StuckPods {
  readonly #kube: Kube;
  readonly #report: Reporter;
  /** By uid, when it was first seen to hold things up, by `performance.now()`. */
  readonly #since = new Map<string, number>();
  /** Uids of those whose deletion was begun or refused. */
  readonly #begun = new Set<string>();

  constructor({ kube, report }: { readonly kube: Kube; readonly report: Reporter }) {
    this.#kube = kube;
    this.#report = report;
  }

  /**
   * @param pods those of the StatefulSet.
   * @returns the pod that is to go now, once, one at a time: of those that lack a claim in the order in which the controller
   * looks at them, else the highest ordinal first, as it would.
   */
  next(statefulSet: KubeObject, pods: readonly PodState[]): StuckPod | undefined {
    // One that was ready meanwhile has its time anew.
    for (const pod of pods) if (!holdsUp(statefulSet, pod)) this.#since.delete(pod.uid);
    const { podManagementPolicy = 'OrderedReady' } = (statefulSet['spec'] ?? {}) as {
      readonly podManagementPolicy?: string;
    };
    if (choiceOf(statefulSet) !== undefined) return undefined;
    if (pods.some(({ deleting, uid }) => deleting || this.#begun.has(uid))) return undefined;
    if (pods.some((pod) => lacksClaim(statefulSet, pod))) return this.#nextLacking(statefulSet, pods);
    if (podManagementPolicy !== 'OrderedReady') return undefined;
    const [highest] = pods.filter((pod) => holdsUp(statefulSet, pod)).sort((a, b) => ordinalOf(b) - ordinalOf(a));
    if (!highest) return undefined;
    const trouble = explainPod(highest);
    const since = this.#since.get(highest.uid) ?? performance.now();
    this.#since.set(highest.uid, since);
    if (trouble.usual && performance.now() - since < usualForMs) return undefined;
    this.#begun.add(highest.uid);
    return { pod: highest, because: `of its older state (${trouble.brief ?? 'not ready'}) holds up the new one` };
  }

  #nextLacking(statefulSet: KubeObject, pods: readonly PodState[]): StuckPod | undefined {
    const pod = firstLacking(statefulSet, pods);
    if (!pod) return undefined;
    this.#begun.add(pod.uid);
    return { pod, because: 'lacks a claim that it can only be made with' };
  }

  /** Deletes the pod if it still is as it was seen, and says so. @throws Failure `unreachable`; AbortError. */
  async remove(statefulSet: KubeObject, { pod, because }: StuckPod, signal: AbortSignal): Promise<void> {
    const what = formatId(idOf(statefulSet));
    const { namespace, name, uid } = pod;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    try {
      const found = await askMaybe<KubeObject>(this.#kube, { method: 'GET', path, signal });
      if (!found || found.metadata.uid !== uid || !isOf(statefulSet, found)) return;
      const now = readPod(found);
      if (!holdsUp(statefulSet, now) && !lacksClaim(statefulSet, now)) return void this.#begun.delete(uid);
      signal.throwIfAborted();
      // It has changed since it was read: it is looked at again.
      if (!(await this.#delete(path, found))) return void this.#begun.delete(uid);
      const text = `${what}: pod ${name} ${because} and is deleted; its claims stay`;
      this.#report({ type: 'note', text });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 401) throw error;
      this.#report({
        type: 'warning',
        text: `${what}: pod ${name} ${because}, and can't be deleted: ${error.message}`,
        next: `have it deleted: kubectl delete pod ${name} -n ${namespace}`,
      });
    }
  }

  /** @returns whether the pod goes. What is deleted is said, whoever ends the wait meanwhile. */
  async #delete(path: string, { metadata: { uid, resourceVersion } }: KubeObject): Promise<boolean> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
    try {
      await this.#kube.request({ method: 'DELETE', path, body, signal: never });
      return true;
    } catch (error) {
      if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) throw error;
      // A delete that was cut when it had been done is made again, and meets what it did itself.
      const now = await askMaybe<KubeObject>(this.#kube, { method: 'GET', path, signal: never });
      return now?.metadata.uid !== uid || now?.metadata.deletionTimestamp !== undefined;
    }
  }
}

function isOf({ metadata: { uid } }: KubeObject, pod: KubeObject): boolean {
  return pod.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid) ?? false;
}
