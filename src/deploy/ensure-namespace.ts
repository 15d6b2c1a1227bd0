import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import { fieldManager } from '../objects.ts';
import type { KubeObject } from '../objects.ts';
import type { ApplySetRef } from './apply-set.ts';
import { ask, askMaybe } from './ask.ts';
import { waitGone } from './wait-gone.ts';

/** On a namespace that stormctl made, with the project it was made for: only such a one is ever deleted. */
export const createdForLabel = 'stormctl.dev/created-for';

/**
 * Makes the project's namespace when it is absent; one that is being deleted is waited for first.
 * @throws ApiError, Failure `unreachable`, AbortError.
 */
export async function ensureNamespace(
  kube: Kube,
  { name, namespace }: ApplySetRef,
  signal: AbortSignal,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}`;
  const found = await askMaybe<KubeObject>(kube, { method: 'GET', path, signal });
  if (found && found.metadata.deletionTimestamp === undefined) return;
  if (found)
    await waitGone(
      kube,
      [
        {
          request: { path: '/api/v1/namespaces', fieldSelector: `metadata.name=${namespace}` },
          uids: new Set([found.metadata.uid ?? '']),
        },
      ],
      signal,
    );
  const body = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { [createdForLabel]: name } },
  };
  try {
    await ask(kube, { method: 'POST', path: '/api/v1/namespaces', query: { fieldManager }, body, signal });
  } catch (error) {
    // Somebody else made it in between: it is there, and theirs.
    if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
  }
}
