import { Failure } from '../errors.ts';
import { pathOf } from '../kube/api-path.ts';
import { isForbidden, type Kube } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import { configHashesOf } from '../manifests/config-hash.ts';
import { formatId, formatPlaced, type KubeObject, keyOf, type ObjectId } from '../objects.ts';
import type { PodTemplatePlace } from '../project.ts';
import { askMaybe } from './ask.ts';
import { groupKindOf } from './kinds.ts';
import type { Located } from './locate.ts';

/**
 * The ConfigMaps and Secrets that an applier changed, and the workloads that it has written since: what makes their pods
 * anew. A workload may come some rounds later than what it uses: its image has to be built.
 */
export class ConfigChanges {
  readonly #kube: Kube;
  readonly #places: readonly PodTemplatePlace[];
  /** By key, when: each write is later than the one before. */
  readonly #changed = new Map<string, number>();
  readonly #written = new Map<string, number>();
  #time = 0;

  /** @param places where pod templates are besides Kubernetes' own. */
  constructor(kube: Kube, places: readonly PodTemplatePlace[]) {
    this.#kube = kube;
    this.#places = places;
  }

  took(id: ObjectId, isChanged: boolean): void {
    this.#written.set(keyOf(id), ++this.#time);
    if (isChanged && holdsConfig(id)) this.#changed.set(keyOf(id), this.#time);
  }

  /** @returns what changed of what a workload that is about to be written uses, if its pods are made anew for that. */
  async reasonsToRestart({ id, object, uses, resource }: Located): Promise<readonly ObjectId[]> {
    const written = this.#written.get(keyOf(id)) ?? 0;
    const changed = uses.filter((used) => (this.#changed.get(keyOf(used)) ?? 0) > written);
    if (changed.length === 0 || !resource) return [];
    try {
      const live = await askMaybe<KubeObject>(this.#kube, { method: 'GET', path: pathOf(resource, id), signal: never });
      const [was, is] = [live ?? object, object].map((each) => configHashesOf(each, this.#places));
      // Without any it was written before there were hashes, or is new.
      const isRestart = was !== undefined && was.length > 0 && String(was) !== String(is);
      return isRestart ? changed : [];
    } catch (error) {
      // Who may write and not read is not told why.
      if (isForbidden(error)) return [];
      throw error;
    }
  }
}

/**
 * @param refused by key.
 * @returns why a workload is not written: its pods would start with old values, and nothing would start them again when
 * the new ones are taken.
 */
export function heldBack(
  { id, uses, where }: Located,
  refused: ReadonlyMap<string, { readonly failure: Failure }>,
): Failure | undefined {
  for (const used of uses) {
    const failure = refused.get(keyOf(used))?.failure;
    if (failure)
      return new Failure(failure.kind, `${formatPlaced(id)} is left as it is: its ${formatId(used)} is refused`, {
        where,
        next: `mend ${formatId(used)} first`,
        cause: failure,
      });
  }
  return undefined;
}

function holdsConfig(id: ObjectId): boolean {
  const kind = groupKindOf(id);
  return kind === 'ConfigMap' || kind === 'Secret';
}
