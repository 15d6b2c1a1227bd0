import { Failure } from '../errors.ts';
import { ApiError, isNotFound, type Kube, type KubeRequest } from '../kube/kube.ts';
import { kindOf } from '../kube/outage.ts';
import { formatRight, missingRight } from './refusal-words.ts';

/** @returns undefined instead of a 404. */
export async function askMaybe<T>(
  kube: Kube,
  request: KubeRequest & { readonly signal: AbortSignal },
): Promise<T | undefined> {
  try {
    return await kube.request<T>(request);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** @returns an ApiError as the Failure that a user can act on; anything else as it is. */
export function clusterFailure(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const { method, path, status, message } = error;
  const right = missingRight(message);
  if (right) return new Failure('refused', formatRight(right), { detail: message, next: nextFor(403), cause: error });
  return new Failure(kindOf(error), `the cluster refuses ${method} ${path}: ${message}`, {
    next: nextFor(status),
    cause: error,
  });
}

function nextFor(status: number): string {
  if (status === 403) return 'use a context whose user may do this, or ask for the right';
  return 'see what is wrong with the API server: kubectl get --raw /readyz?verbose';
}
