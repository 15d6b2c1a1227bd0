import type { Kube, WatchEvent } from '../kube/kube.ts';
import { idOf, keyOf, type KubeObject, type ObjectId } from '../objects.ts';
import { bindsLater } from './binds-later.ts';

/** What names the objects of one kind in one namespace, or in none. */
type Collection = Omit<ObjectId, 'name'>;

/** Objects as the watches of their collections tell of them. */
export class SeenObjects {
  readonly #kube: Kube;
  /** By name, of each collection that was listed. */
  readonly #collections = new Map<string, Map<string, KubeObject>>();
  /** Claims that are bound only when a pod uses them, which may be never. */
  readonly #bindLater = new Set<string>();

  constructor(kube: Kube) {
    this.#kube = kube;
  }

  /**
   * Takes in what the watch of a collection tells, all of it at once.
   * @throws ApiError when the class of a claim can't be read; Failure `unreachable`; AbortError.
   */
  async take(
    { apiVersion, kind, namespace }: Collection,
    event: Exclude<WatchEvent, { type: 'lost' }>,
    signal: AbortSignal,
  ): Promise<void> {
    // A typed list names the kind once, not on every item.
    const told = (event.type === 'list' ? event.objects : [event.object]).map((each) => ({
      ...each,
      apiVersion,
      kind,
    }));
    if (kind === 'PersistentVolumeClaim') for (const claim of told) await this.#judge(claim, signal);
    const key = keyOf({ apiVersion, kind, namespace, name: '' });
    const known = (event.type === 'list' ? undefined : this.#collections.get(key)) ?? new Map<string, KubeObject>();
    for (const object of told)
      if (event.type === 'gone') known.delete(object.metadata.name);
      else known.set(object.metadata.name, object);
    this.#collections.set(key, known);
  }

  /** Of a collection that can't be watched any more nothing is known. */
  forget(collection: Collection): void {
    this.#collections.delete(keyOf({ ...collection, name: '' }));
  }

  /** Whether the collection of an object was listed: before that nothing can be said of it. */
  isListed(id: ObjectId): boolean {
    return this.#collections.has(keyOf({ ...id, name: '' }));
  }

  find(id: ObjectId): KubeObject | undefined {
    return this.#collections.get(keyOf({ ...id, name: '' }))?.get(id.name);
  }

  all(): readonly KubeObject[] {
    return [...this.#collections.values()].flatMap((objects) => [...objects.values()]);
  }

  /** Whether it is a claim that nobody uses yet, and that is bound only then. */
  bindsLater(id: ObjectId): boolean {
    return this.#bindLater.has(keyOf(id));
  }

  async #judge(claim: KubeObject, signal: AbortSignal): Promise<void> {
    if (await bindsLater(this.#kube, claim, signal)) this.#bindLater.add(keyOf(idOf(claim)));
    else this.#bindLater.delete(keyOf(idOf(claim)));
  }
}
