import { pathOf } from '../kube/api-path.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import type { Member } from './apply-set.ts';

export type Removal =
  | { readonly kind: 'gone' }
  /** It goes once its finalizers have run. */
  | { readonly kind: 'going' }
  | { readonly kind: 'refused'; readonly because: string };

/**
 * Deletes the object that was listed, by its uid: one that was made anew under its name stays.
 * @throws Failure `unreachable`, AbortError.
 */
export async function removeMember(
  kube: Kube,
  { id, resource, metadata }: Member,
  propagationPolicy: 'Foreground' | 'Background',
  signal: AbortSignal,
): Promise<Removal> {
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy,
    preconditions: { uid: metadata.uid },
  };
  try {
    const path = pathOf(resource, id);
    const answer = await kube.request<{ readonly kind?: string }>({ method: 'DELETE', path, body, signal });
    return { kind: answer.kind === 'Status' ? 'gone' : 'going' };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404 || error.status === 409) return { kind: 'gone' };
    return { kind: 'refused', because: error.message };
  }
}
