import { Failure } from '../errors.ts';
import { isForbidden, type Kube } from '../kube/kube.ts';
import type { KubeObject } from '../objects.ts';

/** Which cluster this is, whatever name or address leads to it. */
export interface ClusterIdentity {
  readonly server: string;
  /** Of the namespace kube-system, which lives as long as the cluster; undefined where it may not be read. */
  readonly uid: string | undefined;
}

/** @returns what tells this cluster from others. @throws Failure `unreachable`, ApiError, AbortError. */
export async function readIdentity(kube: Kube, signal?: AbortSignal): Promise<ClusterIdentity> {
  const { server } = kube.target;
  try {
    const system = await kube.request<KubeObject>({ method: 'GET', path: '/api/v1/namespaces/kube-system', signal });
    return { server, uid: system.metadata.uid };
  } catch (error) {
    // Who is confined to a namespace can still deploy; the server alone then has to tell.
    if (isForbidden(error)) return { server, uid: undefined };
    throw error;
  }
}

/**
 * Asked before the first write and at every reconnect: a cluster made anew answers at the address of the old one.
 * @throws Failure `guard` when it is another cluster; otherwise as readIdentity.
 */
export async function checkIdentity(kube: Kube, identity: ClusterIdentity, signal?: AbortSignal): Promise<void> {
  const now = await readIdentity(kube, signal);
  if (now.server === identity.server && now.uid === identity.uid) return;
  if (now.uid === undefined)
    // A server that has just started may not know yet who may read what.
    throw new Failure('unreachable', `it can't be told whether ${kube.target.context} is still the same cluster`, {
      where: now.server,
      detail: 'the namespace kube-system, whose uid tells it, could be read before and can not be read now',
      next: 'use a context whose user may read it',
    });
  throw new Failure('guard', `context ${kube.target.context} now leads to another cluster than when this began`, {
    where: now.server,
    detail: `kube-system was ${identity.uid ?? 'unreadable'} at ${identity.server}, now ${now.uid ?? 'unreadable'}`,
    next: 'nothing was written to it; start again if that is the cluster you want',
  });
}
