import { askMaybe } from '../deploy/ask.ts';
import { readNamespace } from '../deploy/ensure-namespace.ts';
import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube } from '../kube/kube.ts';
import { formatId, keyOf, type ObjectId } from '../objects.ts';
import type { PodView } from '../pods/pod-view.ts';
import { isPodOf, ownerAmong } from './owner-among.ts';
import { saveRestores } from './namespace-returns.ts';

export interface DeletedWorkloadsOptions {
  readonly kube: Kube;
  readonly view: Pick<PodView, 'pods' | 'subscribe'>;
  /** The objects that stand in the cluster by our hand. */
  readonly standing: () => readonly ObjectId[];
  readonly report: Reporter;
}

/** Notices that somebody else deleted a workload, by its pods: when none is left, the workload is asked for. */
export class DeletedWorkloads {
  readonly #options: DeletedWorkloadsOptions;
  readonly #told = new Set<string>();

  constructor(options: DeletedWorkloadsOptions) {
    this.#options = options;
  }

  /** Calls `found` with a workload of ours that has lost its last pod. @returns the function that ends it. */
  onLastPod(found: (id: ObjectId) => void): () => void {
    return this.#options.view.subscribe((change) => {
      const { pod } = change;
      const id = ownerAmong(this.#options.standing(), pod);
      if (!id) return;
      const isLast = !this.#options.view.pods().some((other) => !other.deleting && isPodOf(other, id));
      if (isLast) found(id);
      else this.#told.delete(keyOf(id));
      // Nothing new comes into a namespace that goes.
      const isNew = change.type === 'set' && change.before === undefined && !pod.deleting;
      if (isNew) this.#told.delete(namespaceKey(id));
    });
  }

  /**
   * Reports once that a workload is gone. @returns the namespace that is gone with it, or goes, once, and does not tell it.
   * @throws ApiError; Failure `unreachable`; AbortError.
   */
  async look(id: ObjectId, signal: AbortSignal): Promise<string | undefined> {
    const { kube, report } = this.#options;
    if (this.#told.has(keyOf(id))) return undefined;
    const resource = await kube.resource(id.apiVersion, id.kind, signal);
    const object = await askMaybe(kube, { method: 'GET', path: pathOf(resource, id), signal });
    // A namespace loses its pods before the rest: its workloads may be there still.
    const isWhole = await this.#goes(id, signal);
    if ((object !== undefined && !isWhole) || this.#told.has(keyOf(id)) || !this.#isStanding(id)) return undefined;
    this.#told.add(keyOf(id));
    const key = namespaceKey(id);
    if (isWhole && this.#told.has(key)) return undefined;
    if (isWhole) {
      this.#told.add(key);
      return id.namespace;
    }
    report({ type: 'warning', text: `${formatId(id)} was deleted by somebody else`, next: saveRestores });
    return undefined;
  }

  /** Whether its namespace is gone, or on its way. */
  async #goes({ namespace }: ObjectId, signal: AbortSignal): Promise<boolean> {
    if (namespace === undefined) return false;
    const found = await readNamespace(this.#options.kube, namespace, signal);
    return found === undefined || (found !== 'unreadable' && found.metadata.deletionTimestamp !== undefined);
  }

  #isStanding(id: ObjectId): boolean {
    return this.#options.standing().some((each) => keyOf(each) === keyOf(id));
  }
}

function namespaceKey({ namespace = '' }: ObjectId): string {
  return keyOf({ apiVersion: 'v1', kind: 'Namespace', name: namespace });
}
