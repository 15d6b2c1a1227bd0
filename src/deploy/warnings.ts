import { ApiError, type Kube } from '../kube/kube.ts';
import { sideBySide } from '../lib/side-by-side.ts';
import type { KubeObject, RawEvent } from '../objects.ts';
import type { PodTrouble } from '../pods/explain-pod.ts';
import { isOfRun } from '../pods/is-of-run.ts';
import type { PodState } from '../pods/pod-state.ts';
import { unboundClaims, type WhyUnbound } from '../pods/unbound-claims.ts';
import { creationWords, oneLine } from './creation-words.ts';
import { containerOf, timeOf } from './event-facts.ts';

interface Warning {
  readonly reason: string;
  readonly message: string;
  /** As `Date.now()`; NaN where the event does not say. */
  readonly at: number;
  /** Of which it is said; undefined where it is of the whole object. */
  readonly container: string | undefined;
}

/** How many messages of a probe are kept: a newer run may fail, too, before the end of the older one is looked at. */
const mostDeadly = 5;

/** How a container ends whose probe had it killed: by the signals, or as it pleases at the first of them. */
const killedCodes: ReadonlySet<number | undefined> = new Set([0, 137, 143]);

interface Unprovided extends WhyUnbound {
  readonly uid: string;
  readonly reason: string;
}

/**
 * What is said of a claim that has no volume, and whether it is more than a step on the way to one.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/volume/events/event.go
 */
const unboundReasons: ReadonlyMap<string, { readonly isFault: boolean }> = new Map([
  ['ProvisioningFailed', { isFault: true }],
  ['FailedBinding', { isFault: true }],
  ['ExternalProvisioning', { isFault: false }],
  ['WaitForFirstConsumer', { isFault: false }],
  ['WaitForPodScheduled', { isFault: false }],
]);

/** What is read of the events of a namespace: of claims also those that are no warnings, since they tell why one waits. */
const selectors: readonly string[] = ['type=Warning', 'type=Normal,involvedObject.kind=PersistentVolumeClaim'];

/** The last warning that the cluster gave about each object, by its uid: what no status tells. */
export class Warnings {
  readonly #last = new Map<string, Warning>();
  /** By pod and container, what the probes said last that kill it. */
  readonly #deadly = new Map<string, readonly Warning[]>();
  /** By namespace and name, what was said last of a claim that has no volume. */
  readonly #unprovided = new Map<string, Unprovided>();

  /**
   * Keeps up with a namespace until the abort. Where events may not be read there are none.
   * @param onNews called after each change.
   * @param onListed called once, when what was said before is known, or can't be.
   * @throws AbortError.
   */
  async follow(
    kube: Kube,
    namespace: string,
    onNews: () => void,
    signal: AbortSignal,
    onListed: () => void = () => {},
  ): Promise<void> {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    const unlisted = new Set(selectors);
    const listed = (selector: string) => {
      if (unlisted.delete(selector) && unlisted.size === 0) onListed();
    };
    await sideBySide(selectors, signal, async (fieldSelector, abort) => {
      try {
        for await (const event of kube.watch({ path, fieldSelector }, abort)) {
          if (event.type === 'list') for (const object of event.objects) this.#take(object);
          else if (event.type === 'set') this.#take(event.object);
          onNews();
          if (event.type === 'list') listed(fieldSelector);
        }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        listed(fieldSelector);
      }
    });
  }

  /** @returns why the pods of a workload do not come into being; undefined when nobody said so. */
  ofCreation(uid: string | undefined): string | undefined {
    const warning = this.#last.get(uid ?? '');
    return warning?.reason === 'FailedCreate' ? creationWords(warning.message) : undefined;
  }

  /** @returns whether a pod of a workload could not be made after each of these was: it is not tried yet again. */
  isCreationFailing(uid: string | undefined, pods: readonly PodState[]): boolean {
    const warning = this.#last.get(uid ?? '');
    if (warning?.reason !== 'FailedCreate') return false;
    return pods.every(({ createdAt }) => Date.parse(createdAt) < warning.at);
  }

  /** @returns why a claim has no volume; undefined when nobody said so, and for other kinds. */
  ofClaim({ kind, metadata: { namespace = '', name, uid } }: KubeObject): WhyUnbound | undefined {
    const told = kind === 'PersistentVolumeClaim' ? this.#unprovided.get(`${namespace}/${name}`) : undefined;
    // One of that name that was there before is another one.
    return told?.uid === uid ? told : undefined;
  }

  /** @returns the trouble with what the kubelet or the controllers say of the pod, where its status tells no cause. */
  refine(trouble: PodTrouble): PodTrouble {
    const { pod, container, usual } = trouble;
    const unbound = unboundClaims(pod, (claim) => this.#whyOf(pod, claim));
    if (unbound !== undefined)
      return { ...trouble, because: `pod ${pod.name}: ${unbound.words}`, usual: !unbound.isFault };
    if (trouble.crashed && container && killedCodes.has(container.exitCode) && container.endReason !== 'OOMKilled') {
      const said = this.#deadly.get(`${pod.uid}/${container.name}`) ?? [];
      const probe = said.findLast(({ at }) => isOfRun(container, 'ended', at));
      if (probe !== undefined) return { ...trouble, because: `${trouble.because}; ${oneLine(probe.message)}` };
    }
    const warning = usual ? this.#last.get(pod.uid) : undefined;
    if (!warning) return trouble;
    const { reason, message, at } = warning;
    if (reason === 'NodeNotReady')
      return { ...trouble, because: `pod ${pod.name}: its node ${pod.node ?? ''} is not ready`, usual: false };
    const isItsOwn = container !== undefined && (warning.container ?? container.name) === container.name;
    if (reason === 'Unhealthy' && isItsOwn && isOfRun(container, 'current', at))
      return {
        ...trouble,
        because: `container ${container.name} of pod ${pod.name} is not ready: ${oneLine(message)}`,
      };
    if (/^Failed(Mount|AttachVolume|MapVolume|CreatePodSandBox)$/.test(reason))
      return { ...trouble, because: `pod ${pod.name}: ${reason}: ${oneLine(message)}`, usual: false };
    return trouble;
  }

  /** What keeps a claim from being bound, but not that it waits for the pod itself. */
  #whyOf({ namespace }: PodState, claim: string): WhyUnbound | undefined {
    const told = this.#unprovided.get(`${namespace}/${claim}`);
    return told?.reason.startsWith('WaitFor') ? undefined : told;
  }

  #take(object: unknown): void {
    const event = object as RawEvent;
    const { reason = '', message = '', involvedObject = {} } = event;
    const { uid, kind, namespace = '', name = '' } = involvedObject;
    if (uid === undefined) return;
    if (kind === 'PersistentVolumeClaim') return this.#takeOfClaim(`${namespace}/${name}`, uid, reason, message);
    const warning = { reason, message, at: timeOf(event), container: containerOf(event) };
    this.#last.set(uid, warning);
    if (reason !== 'Unhealthy' || !/^(Liveness|Startup) probe/.test(message)) return;
    const key = `${uid}/${warning.container ?? ''}`;
    // A list is in no order of time.
    const said = [...(this.#deadly.get(key) ?? []), warning].sort((a, b) => a.at - b.at);
    this.#deadly.set(key, said.slice(-mostDeadly));
  }

  /** That a volume is waited for is told again and again beside why there is none. */
  #takeOfClaim(key: string, uid: string, reason: string, message: string): void {
    const known = unboundReasons.get(reason);
    if (known === undefined) return;
    const before = this.#unprovided.get(key);
    if (before?.uid === uid && before.isFault && !known.isFault) return;
    const why = oneLine(message).replace(/\. If volume creation is delayed.*$/u, '');
    this.#unprovided.set(key, { uid, reason, why, isFault: known.isFault });
  }
}
