import { type Kube, metadataOfList } from '../kube/kube.ts';
import type { ObjectMeta } from '../objects.ts';
import { askMaybe } from './ask.ts';

/**
 * Lists a collection by its metadata alone: what Secrets hold stays where it is, and large objects cost nothing.
 * @returns none where the kind or the namespace is not there. @throws ApiError, Failure `unreachable`; AbortError.
 */
export async function listMetadata(
  kube: Kube,
  path: string,
  labelSelector: string | undefined,
  signal: AbortSignal,
): Promise<readonly ObjectMeta[]> {
  const request = { method: 'GET', path, query: { labelSelector }, accept: metadataOfList, signal } as const;
  const list = await askMaybe<{ items: readonly { metadata: ObjectMeta }[] | null }>(kube, request);
  return (list?.items ?? []).map(({ metadata }) => metadata);
}
