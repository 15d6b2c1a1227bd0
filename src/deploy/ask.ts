import { setMaxListeners } from 'node:events';
import { Failure } from '../errors.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube, KubeRequest } from '../kube/kube.ts';
import { backoff, wait } from '../lib/wait.ts';

/** How often one request is sent. With the pauses between them a server has some seconds to recover. */
const tries = 6;

/** For what must not be cut half-way. */
export const never = new AbortController().signal;
setMaxListeners(0, never);

/**
 * One request, sent again while the server is broken inside (5xx) or too busy (429) and names no pause: where it names one,
 * the transport keeps to it. Every request of this room may be sent twice: reads, server-side applies, deletes by uid.
 *
 * @throws the last ApiError; Failure `unreachable`; AbortError.
 */
export async function ask<T>(kube: Kube, request: KubeRequest & { readonly signal: AbortSignal }): Promise<T> {
  const pauses = backoff(100, 2000);
  for (let left = tries - 1; ; left--) {
    try {
      return await kube.request<T>(request);
    } catch (error) {
      if (left === 0 || !(error instanceof ApiError) || !isPassing(error)) throw error;
      await wait(pauses.next(), request.signal);
    }
  }
}

/** @returns undefined instead of a 404. */
export async function askMaybe<T>(
  kube: Kube,
  request: KubeRequest & { readonly signal: AbortSignal },
): Promise<T | undefined> {
  try {
    return await ask<T>(kube, request);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Whether the object and not the server is at fault: a value of the wrong type, or a field that its kind has not got. */
export function isSchemaError({ message }: ApiError): boolean {
  // Server-side apply answers these with 500 and no reason (kubernetes/kubernetes, managedfields/internal/structuredmerge.go).
  return message.startsWith('failed to create typed patch object');
}

/** @returns an ApiError as the Failure that a user can act on; anything else as it is. */
export function clusterFailure(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const { method, path, status, message } = error;
  return new Failure('unreachable', `the cluster refuses ${method} ${path}: ${message}`, {
    next: nextFor(status),
    cause: error,
  });
}

function nextFor(status: number): string {
  if (status === 401) return 'log in to the cluster again: the credentials in the kubeconfig are not accepted';
  if (status === 403) return 'use a context whose user may do this, or ask for the right';
  return 'see what is wrong with the API server: kubectl get --raw /readyz?verbose';
}

function isPassing(error: ApiError): boolean {
  if (error.details?.retryAfterSeconds !== undefined || isSchemaError(error)) return false;
  return error.status === 429 || error.status >= 500;
}
