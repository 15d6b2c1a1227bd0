import { isForbidden, type Kube } from '../kube/kube.ts';
import type { KubeObject } from '../objects.ts';
import { askMaybe } from './ask.ts';

/**
 * @returns whether a claim that is pending waits for a pod that uses it (`WaitForFirstConsumer`): it is ready for that. So
 * it is where the class may not be read, by who is confined to a namespace: the pods that use it tell if it is not.
 * https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
 */
export async function bindsLater(kube: Kube, claim: KubeObject, signal: AbortSignal): Promise<boolean> {
  const { storageClassName } = (claim['spec'] ?? {}) as { readonly storageClassName?: string };
  const { phase } = (claim['status'] ?? {}) as { readonly phase?: string };
  if (phase === 'Bound' || phase === 'Lost' || !storageClassName) return false;
  const path = `/apis/storage.k8s.io/v1/storageclasses/${storageClassName}`;
  try {
    const found = await askMaybe<KubeObject>(kube, { method: 'GET', path, signal });
    return found?.['volumeBindingMode'] === 'WaitForFirstConsumer';
  } catch (error) {
    if (isForbidden(error)) return true;
    throw error;
  }
}
