import type { Kube } from '../kube/kube.ts';
import type { KubeObject } from '../objects.ts';
import { askMaybe } from './ask.ts';
import { conditionsOf } from './conditions.ts';

/**
 * @returns why an object that is being deleted is still there.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/
 */
export function whatHolds(object: KubeObject): string {
  const { metadata } = object;
  const finalizers = Array.isArray(metadata['finalizers']) ? metadata['finalizers'].map(String) : [];
  const left = contentLeft(object);
  if (left.length > 0) return `it is being deleted: ${left.join('; ')}`;
  const foreign = finalizers.filter((name) => name !== 'foregroundDeletion');
  if (foreign.length > 0) return `it is being deleted, and its finalizers have not run: ${foreign.join(', ')}`;
  return finalizers.length > 0 ? 'it is being deleted, and what it owns is still there' : 'it is being deleted';
}

/** @returns why the object of that uid is still there; undefined: it has gone. */
export async function whatStillHolds(
  kube: Kube,
  path: string,
  uid: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await askMaybe<KubeObject>(kube, { method: 'GET', path, signal });
  return found && found.metadata.uid === uid ? whatHolds(found) : undefined;
}

/** What the namespace controller says of one that does not empty. */
function contentLeft(object: KubeObject): readonly string[] {
  return conditionsOf(object).flatMap(({ type, status, message }) =>
    object.kind === 'Namespace' && type.startsWith('Namespace') && status === 'True' && message ? [message] : [],
  );
}
