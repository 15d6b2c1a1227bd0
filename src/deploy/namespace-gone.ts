import type { ApiError } from '../kube/kube.ts';

/**
 * Whether something can't be created because its namespace is absent, or going.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle
 */
export function isNamespaceGone(error: ApiError): boolean {
  return error.status === 404 || isTerminating(error);
}

/** The server does not take new objects into a namespace that is being deleted. */
export function isTerminating({ status, message, details }: ApiError): boolean {
  if (status !== 403) return false;
  const isSaid = details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
  return isSaid || message.includes('because it is being terminated');
}
