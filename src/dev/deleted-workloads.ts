import { askMaybe } from '../deploy/ask.ts';
import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube } from '../kube/kube.ts';
import { formatId, keyOf, type ObjectId } from '../objects.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';

export interface DeletedWorkloadsOptions {
  readonly kube: Kube;
  readonly view: Pick<PodView, 'pods' | 'subscribe'>;
  /** The objects that stand in the cluster by our hand. */
  readonly standing: () => readonly ObjectId[];
  readonly report: Reporter;
}

/** What keeps pods for as long as it is there: without any, it is worth a look whether it is. */
const keeping: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/** Notices that somebody else deleted a workload, by its pods: when none is left, the workload is asked for. */
export class DeletedWorkloads {
  readonly #options: DeletedWorkloadsOptions;
  readonly #told = new Set<string>();

  constructor(options: DeletedWorkloadsOptions) {
    this.#options = options;
  }

  /** Calls `found` with a workload of ours that has lost its last pod. @returns the function that ends it. */
  onLastPod(found: (id: ObjectId) => void): () => void {
    return this.#options.view.subscribe(({ pod }) => {
      const id = this.#ownerOf(pod);
      if (!id) return;
      const isLast = !this.#options.view.pods().some((other) => !other.deleting && isOf(other, id));
      if (isLast) found(id);
      else this.#told.delete(keyOf(id));
    });
  }

  /** Reports once that a workload is gone, if it is. @throws ApiError; Failure `unreachable`; AbortError. */
  async look(id: ObjectId, signal: AbortSignal): Promise<void> {
    const { kube, report } = this.#options;
    if (this.#told.has(keyOf(id))) return;
    const resource = await kube.resource(id.apiVersion, id.kind, signal);
    const object = await askMaybe(kube, { method: 'GET', path: pathOf(resource, id), signal });
    if (object !== undefined || this.#told.has(keyOf(id)) || !this.#isStanding(id)) return;
    this.#told.add(keyOf(id));
    report({
      type: 'warning',
      text: `${formatId(id)} was deleted by somebody else`,
      next: 'save one of the manifests: everything is applied again then',
    });
  }

  #isStanding(id: ObjectId): boolean {
    return this.#options.standing().some((each) => keyOf(each) === keyOf(id));
  }

  #ownerOf(pod: PodState): ObjectId | undefined {
    return this.#options.standing().find((id) => keeping.has(id.kind) && isOf(pod, id));
  }
}

function isOf({ namespace, workload }: PodState, id: ObjectId): boolean {
  return workload.kind === id.kind && workload.name === id.name && namespace === id.namespace;
}
