import { pathOf } from '../kube/api-path.ts';
import type { KubeRequest, KubeResource } from '../kube/kube.ts';
import { fieldManager, type ObjectId } from '../objects.ts';

interface ApplyQuery {
  /** Whether fields that others hold are taken from them. */
  readonly force: boolean;
  /** `All`: the server says what would become of it, and keeps nothing. */
  readonly dryRun?: 'All';
}

/** An object's apply, the same for whoever writes it and whoever asks what writing it would do. @param body as JSON. */
export function applyRequest(
  { id, resource, body }: { readonly id: ObjectId; readonly resource: KubeResource; readonly body: string },
  query: ApplyQuery,
): KubeRequest {
  return {
    method: 'PATCH',
    path: pathOf(resource, id),
    query: { fieldManager, fieldValidation: 'Strict', ...query },
    contentType: 'application/apply-patch+yaml',
    body,
  };
}
