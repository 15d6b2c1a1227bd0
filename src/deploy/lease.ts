import type { Kube } from '../kube/kube.ts';
import { fieldManager, projectLabel } from '../objects.ts';
import type { KubeObject } from '../objects.ts';
import type { ApplySetRef } from './apply-set.ts';
import { type Holder, nameOf } from './holder.ts';

/**
 * The Lease by which a session holds a project. Every write is by optimistic concurrency: a create that fails when there
 * is one, or a replacement of the version that was read, so of two who try at once one gets it.
 * https://kubernetes.io/docs/concepts/architecture/leases/
 */
export interface Lease {
  readonly uid: string;
  readonly resourceVersion: string;
  /** undefined: whoever wrote it is no stormctl that this one understands. */
  readonly holder: Holder | undefined;
  readonly holderIdentity: string;
  /** Milliseconds since the epoch, by the holder's clock. */
  readonly acquiredAt: number;
  readonly renewedAt: number;
  readonly transitions: number;
}

export const leaseSeconds = 20;

const holderAnnotation = 'stormctl.dev/holder';

/** @throws ApiError (409 `AlreadyExists`: somebody has it), Failure `unreachable`, AbortError. */
export async function createLease(kube: Kube, ref: ApplySetRef, holder: Holder, signal: AbortSignal): Promise<Lease> {
  const now = Date.now();
  const body = bodyOf(ref, holder, { acquiredAt: now, renewedAt: now, transitions: 0 });
  const path = collectionOf(ref);
  return read(await kube.request<KubeObject>({ method: 'POST', path, query: { fieldManager }, body, signal }));
}

/** Makes the version that was read this holder's, now. @throws ApiError (409 `Conflict`: it is another version by now). */
export async function writeLease(
  kube: Kube,
  ref: ApplySetRef,
  holder: Holder,
  found: Lease,
  signal: AbortSignal,
): Promise<Lease> {
  const now = Date.now();
  const isOwn = found.holder?.session === holder.session;
  const times = isOwn
    ? { acquiredAt: found.acquiredAt, renewedAt: now, transitions: found.transitions }
    : { acquiredAt: now, renewedAt: now, transitions: found.transitions + 1 };
  const { metadata, ...rest } = bodyOf(ref, holder, times);
  const body = { ...rest, metadata: { ...metadata, uid: found.uid, resourceVersion: found.resourceVersion } };
  const path = pathOf(ref);
  return read(await kube.request<KubeObject>({ method: 'PUT', path, query: { fieldManager }, body, signal }));
}

/** @throws ApiError (404: there is none). */
export async function readLease(kube: Kube, ref: ApplySetRef, signal: AbortSignal): Promise<Lease> {
  return read(await kube.request<KubeObject>({ method: 'GET', path: pathOf(ref), signal }));
}

/** Takes away the version that was read, and no other. @throws ApiError (409, 404). */
export async function removeLease(
  kube: Kube,
  ref: ApplySetRef,
  { uid, resourceVersion }: Lease,
  signal: AbortSignal,
): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
  await kube.request({ method: 'DELETE', path: pathOf(ref), body, signal });
}

/** @returns `lease/stormctl-storm in storm`. */
export function formatLease({ name, namespace }: ApplySetRef): string {
  return `lease/${leaseName(name)} in ${namespace}`;
}

function bodyOf(
  { name, namespace }: ApplySetRef,
  holder: Holder,
  { acquiredAt, renewedAt, transitions }: Pick<Lease, 'acquiredAt' | 'renewedAt' | 'transitions'>,
) {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: leaseName(name),
      namespace,
      labels: { [projectLabel]: name },
      annotations: { [holderAnnotation]: JSON.stringify(holder) },
    },
    spec: {
      holderIdentity: `${nameOf(holder)} stormctl ${holder.command} pid ${holder.pid}`,
      leaseDurationSeconds: leaseSeconds,
      acquireTime: microTime(acquiredAt),
      renewTime: microTime(renewedAt),
      leaseTransitions: transitions,
    },
  };
}

function read({ metadata, spec }: KubeObject): Lease {
  const { holderIdentity, acquireTime, renewTime, leaseTransitions } = (spec ?? {}) as {
    holderIdentity?: string;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
  return {
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    holder: readHolder(metadata.annotations?.[holderAnnotation]),
    holderIdentity: holderIdentity ?? '',
    acquiredAt: Date.parse(acquireTime ?? '') || 0,
    renewedAt: Date.parse(renewTime ?? '') || 0,
    transitions: leaseTransitions ?? 0,
  };
}

function readHolder(text: string | undefined): Holder | undefined {
  if (text === undefined) return undefined;
  try {
    const { session, user, host, machine, pid, command } = JSON.parse(text) as Partial<Holder>;
    if (session === undefined || user === undefined || host === undefined) return undefined;
    if (machine === undefined || typeof pid !== 'number' || command === undefined) return undefined;
    return { session, user, host, machine, pid, command };
  } catch {
    return undefined;
  }
}

/** The server takes no other precision in a MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function leaseName(project: string): string {
  return `stormctl-${project}`;
}

function collectionOf({ namespace }: ApplySetRef): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}

function pathOf(ref: ApplySetRef): string {
  return `${collectionOf(ref)}/${leaseName(ref.name)}`;
}
