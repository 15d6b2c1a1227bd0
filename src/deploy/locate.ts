import { Failure } from '../errors.ts';
import type { Kube, KubeResource } from '../kube/kube.ts';
import type { Pinpoint } from '../manifests/pinpoint.ts';
import type { RenderedObject } from '../manifests/render-step.ts';
import { formatPlaced, idOf, keyOf } from '../objects.ts';
import type { KubeObject, ObjectId } from '../objects.ts';
import { definedBy, findResource } from './kinds.ts';
import { mapLimited } from '../lib/map-limited.ts';

/** An object with the namespace that it goes to, and where objects of its kind live. */
export interface Located {
  readonly id: ObjectId;
  readonly object: KubeObject;
  readonly where: string;
  readonly pinpoint: Pinpoint | undefined;
  readonly uses: readonly ObjectId[];
  /** undefined: the cluster knows no such kind. */
  readonly resource: KubeResource | undefined;
}

export interface LocateOptions {
  /** The project's. */
  readonly namespace: string;
  /** The CustomResourceDefinitions among these define kinds that the cluster may not know yet. */
  readonly definitions: readonly KubeObject[];
  readonly signal: AbortSignal;
}

/**
 * Gives every object its namespace: the one it names, else the project's, none where the kind has none.
 *
 * @throws Failure `usage` when two objects turn out to be the same one; what keeps discovery from answering.
 */
export async function locate(
  kube: Kube,
  objects: readonly RenderedObject[],
  { namespace, definitions, signal }: LocateOptions,
): Promise<readonly Located[]> {
  const known = new Map<string, KubeResource | undefined>();
  for (const resource of definedBy(definitions)) known.set(kindKey(resource), resource);
  const unknown = new Map(
    objects.flatMap(({ object }) => (known.has(kindKey(object)) ? [] : [[kindKey(object), object] as const])),
  );
  await mapLimited([...unknown], 10, async ([key, { apiVersion, kind }]) => {
    known.set(key, await findResource(kube, apiVersion, kind, signal));
  });
  const located = objects.map((rendered) => place(rendered, known.get(kindKey(rendered.object)), namespace));
  refuseDuplicates(located);
  return located;
}

function place(
  { object, where, pinpoint, uses = [] }: RenderedObject,
  resource: KubeResource | undefined,
  namespace: string,
): Located {
  const { namespace: named, ...metadata } = object.metadata;
  const isNamespaced = resource?.namespaced ?? true;
  const placed = { ...object, metadata: isNamespaced ? { ...metadata, namespace: named ?? namespace } : metadata };
  return { id: idOf(placed), object: placed, where, pinpoint, uses, resource };
}

function refuseDuplicates(located: readonly Located[]): void {
  const seen = new Map<string, string>();
  for (const { id, where } of located) {
    const first = seen.get(keyOf(id));
    if (first !== undefined)
      throw new Failure('usage', `${formatPlaced(id)} is given twice: ${first} and ${where}`, {
        where,
        next: 'one of them names the namespace that the other one gets: remove one',
      });
    seen.set(keyOf(id), where);
  }
}

function kindKey({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): string {
  return `${apiVersion} ${kind}`;
}
