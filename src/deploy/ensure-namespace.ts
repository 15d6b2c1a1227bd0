import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { ApiError, isForbidden, type Kube } from '../kube/kube.ts';
import type { KubeObject } from '../objects.ts';
import { fieldManager } from '../objects.ts';
import type { ApplySetRef } from './apply-set.ts';
import { askMaybe } from './ask.ts';
import { goneWithin, waitGone } from './wait-gone.ts';
import { whatHolds, whatStillHolds } from './what-holds.ts';

/** On a namespace that stormctl made, with the project it was made for: only such a one is ever deleted. */
export const createdForLabel = 'stormctl.dev/created-for';

export interface EnsureOptions {
  /** Told what is waited for, and when it is over. */
  readonly report: Reporter;
  /** The namespace, where that has been begun. */
  readonly reading?: Promise<KubeObject | 'unreadable' | undefined>;
  /** How long one that is being deleted is waited for. Default: for as long as it takes. */
  readonly withinMs?: number | undefined;
}

/**
 * Makes the project's namespace when it is absent; one that is being deleted is waited for first, which is told.
 * @returns whether it stood: else what was read in it before is not there any more.
 * @throws ApiError, Failure `unreachable`, `notReady` when it is not gone in time, AbortError.
 */
export async function ensureNamespace(
  kube: Kube,
  { name, namespace }: ApplySetRef,
  signal: AbortSignal,
  { reading = readNamespace(kube, namespace, signal), withinMs, report }: EnsureOptions,
): Promise<boolean> {
  const found = await reading;
  if (found === 'unreadable') return true;
  if (found && found.metadata.deletionTimestamp === undefined) return true;
  const startedAt = performance.now();
  const object = { apiVersion: 'v1', kind: 'Namespace', name: namespace };
  if (found) {
    report({ type: 'deploy.waiting', object, because: whatHolds(found), usual: false });
    await outlastNamespace(kube, found, withinMs, signal);
  }
  const body = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { [createdForLabel]: name } },
  };
  try {
    await kube.request({ method: 'POST', path: '/api/v1/namespaces', query: { fieldManager }, body, signal });
  } catch (error) {
    // Somebody else made it in between: it is there, and theirs.
    if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
  }
  if (found) report({ type: 'deploy.ready', object, ms: performance.now() - startedAt });
  return false;
}

async function outlastNamespace(
  kube: Kube,
  { metadata }: KubeObject,
  withinMs: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { name, uid = '' } = metadata;
  const request = { path: '/api/v1/namespaces', fieldSelector: `metadata.name=${name}` };
  const vanishing = [{ request, uids: new Set([uid]) }];
  if (withinMs === undefined) return waitGone(kube, vanishing, signal);
  if (await goneWithin(kube, vanishing, withinMs, signal)) return;
  const because = await whatStillHolds(kube, `/api/v1/namespaces/${name}`, uid, signal);
  if (because === undefined) return;
  throw new Failure('notReady', `namespace/${name} can't be made again: ${because}`, {
    detail: `it is still there after ${Math.round(withinMs / 1000)} s`,
    next: 'mend what holds it, and run again',
  });
}

/** Who is confined to a namespace may not read it, and has it: were it absent, what is written into it would say so. */
export async function readNamespace(
  kube: Kube,
  namespace: string,
  signal: AbortSignal,
): Promise<KubeObject | 'unreadable' | undefined> {
  try {
    return await askMaybe<KubeObject>(kube, { method: 'GET', path: `/api/v1/namespaces/${namespace}`, signal });
  } catch (error) {
    if (isForbidden(error)) return 'unreadable';
    throw error;
  }
}
