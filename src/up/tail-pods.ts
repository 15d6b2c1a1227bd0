import { Failure } from '../errors.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import type { SourceOf } from '../logs/follow-logs.ts';
import { asksFor, type PodWord } from '../logs/pod-query.ts';
import { openPodView, podsRefused } from '../pods/pod-view.ts';
import { tellLogs, type TellOptions } from './tell-logs.ts';

/** Pods of any project, or of none. */
export interface PodQuery {
  /** undefined: the namespace of the context. */
  readonly namespaces: readonly string[] | 'all' | undefined;
  /** As kubectl takes it; the empty one takes every pod. */
  readonly selector: string;
  /** None: all of them. */
  readonly words: readonly PodWord[];
}

/**
 * The logs of whatever pods a query names. Only reads: the guard does not apply.
 * @throws Failure `usage` for a selector that is none, `unreachable` when the cluster is, or when it does not show pods.
 */
export async function tailPods(query: PodQuery, options: TellOptions): Promise<void> {
  const { kube, signal } = options;
  const namespaces = query.namespaces ?? [kube.target.namespace];
  await checkQuery(kube, namespaces, query.selector, signal);
  await using view = openPodView({ kube, namespaces, labelSelector: query.selector, signal });
  const isOne = namespaces !== 'all' && namespaces.length === 1;
  const sourceOf: SourceOf = (pod) => {
    if (query.words.length > 0 && !query.words.some((word) => asksFor(word, pod))) return undefined;
    // A static pod is owned by its node.
    const name = pod.workload.kind === 'Node' ? pod.name : pod.workload.name;
    return isOne ? name : `${pod.namespace}/${name}`;
  };
  const where = namespaces === 'all' ? 'all namespaces' : `namespace ${namespaces.join(', ')}`;
  const what = query.selector === '' ? where : `${where} with ${query.selector}`;
  await tellLogs({ view, sourceOf, exclude: [], what }, options);
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
