import { Failure } from '../errors.ts';
import { type Kube, LoginFailure } from '../kube/kube.ts';
import { within } from '../lib/within.ts';
import { conditionOf } from './conditions.ts';

/** The API server publishes a new kind within a second or two; a name conflict keeps it from that for good. */
const timeoutMs = 30_000;

/**
 * Waits until the API server serves the kind of a CustomResourceDefinition.
 * @returns a Failure with the condition's message when it does not within 30 s.
 */
export async function waitEstablished(kube: Kube, name: string): Promise<Failure | undefined> {
  let why = 'it has no condition Established';
  const watching = async (signal: AbortSignal): Promise<boolean> => {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    for await (const event of kube.watch({ path, fieldSelector: `metadata.name=${name}` }, signal)) {
      if (event.type === 'lost' && event.cause instanceof LoginFailure) throw event.cause;
      const objects = event.type === 'list' ? event.objects : event.type === 'set' ? [event.object] : [];
      for (const crd of objects) {
        if (conditionOf(crd, 'Established')?.status === 'True') return true;
        why = conditionOf(crd, 'NamesAccepted')?.message ?? why;
      }
    }
    return false;
  };
  if (await within(timeoutMs, watching)) return undefined;
  return new Failure('refused', `customresourcedefinition/${name} is not served: ${why}`, {
    next: `see kubectl describe customresourcedefinition ${name}`,
  });
}
