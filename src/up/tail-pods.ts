import { Failure } from '../errors.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import type { SourceOf } from '../logs/follow-logs.ts';
import { asksFor, type PodWord, textOfWord, workloadOf } from '../logs/pod-query.ts';
import type { PodState } from '../pods/pod-state.ts';
import { openPodView, podsRefused } from '../pods/pod-view.ts';
import { KnownSecrets } from './known-secrets.ts';
import { tellLogs, type TellOptions } from './tell-logs.ts';
import { tellLogin } from './told-outages.ts';

/** Pods of any project, or of none. */
export interface PodQuery {
  /** undefined: the namespace of the context. */
  readonly namespaces: readonly string[] | 'all' | undefined;
  /** As kubectl takes it; the empty one takes every pod. */
  readonly selector: string;
  /** None: all of them. */
  readonly words: readonly PodWord[];
  /** Whether what the Secrets hold that the pods name is masked, as far as they may be read. */
  readonly masks: boolean;
}

/**
 * The logs of whatever pods a query names. Only reads: the guard does not apply.
 * @throws Failure `usage` for a selector that is none and, unless they are followed, for what is not there; `unreachable`
 * when the cluster is; `refused` when it does not show pods or logs.
 */
export async function tailPods(query: PodQuery, options: TellOptions): Promise<void> {
  const { kube, signal } = options;
  const namespaces = query.namespaces ?? [kube.target.namespace];
  await checkQuery(kube, namespaces, query.selector, signal);
  await using view = openPodView({
    kube,
    namespaces,
    labelSelector: query.selector,
    signal,
    ...tellLogin(options.report),
  });
  // Those of others: that they may not be read is as it should be.
  await using secrets = query.masks
    ? new KnownSecrets({ kube, labelSelector: undefined, mask: options.mask, report: () => {}, signal })
    : undefined;
  const isOne = namespaces !== 'all' && namespaces.length === 1;
  const sourceOf: SourceOf = (pod) => {
    if (query.words.length > 0 && !query.words.some((word) => asksFor(word, pod))) return undefined;
    // A static pod is owned by its node.
    const name = pod.workload.kind === 'Node' ? pod.name : pod.workload.name;
    return isOne ? name : `${pod.namespace}/${name}`;
  };
  const names = query.words.map((word) => ({
    text: textOfWord(word),
    means: (pod: PodState) => asksFor(word, pod),
    object: workloadOf(word),
    isKnown: false,
  }));
  const asked = { namespaces, project: undefined, selector: query.selector, names };
  await tellLogs({ view, sourceOf, exclude: [], asked, secrets }, options);
}

/** A view waits for a cluster that does not answer; whoever starts to look at one wants to know at once. */
async function checkQuery(
  kube: Kube,
  namespaces: readonly string[] | 'all',
  selector: string,
  signal: AbortSignal,
): Promise<void> {
  const namespace = namespaces === 'all' ? undefined : namespaces[0];
  const path = namespace === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const query = { limit: 1, labelSelector: selector === '' ? undefined : selector };
  try {
    await kube.request({ method: 'GET', path, query, signal });
  } catch (error) {
    if (error instanceof ApiError && error.status === 400 && selector !== '')
      throw new Failure('usage', `--selector ${selector} is no label selector`, {
        where: '--selector',
        detail: error.message,
        next: 'write it as kubectl takes it: app=web,tier!=db,env in (a,b),!canary',
        cause: error,
      });
    throw podsRefused(namespace, error);
  }
}
