import { isDeepStrictEqual } from 'node:util';
import { relative } from 'node:path';
import { once } from '../lib/once.ts';
import type { KubeObject } from '../objects.ts';
import { placeOfField } from './field-place.ts';
import { readObjects } from './file-objects.ts';
import { type KustomizePlace, mayBe, readPlaces } from './kustomize-places.ts';

/**
 * Finds where an object that was refused stands in the files that the user wrote, which are read again for it.
 *
 * @param fields that the API server names; the first that can be found counts, else the object.
 * @returns `file:line:column`, or less where that is not sure.
 */
export type Pinpoint = (fields: readonly string[]) => Promise<string>;

/** @returns where to look for an object that is refused, or for the first of these fields that can be found. */
export async function whereRefused(
  { where, pinpoint }: { readonly where: string; readonly pinpoint?: Pinpoint | undefined },
  fields: readonly string[],
): Promise<string> {
  return pinpoint ? pinpoint(fields) : where;
}

/** @returns what finds objects of one file: where it no longer has an object just so, by the file alone. */
export function inFile(file: string, root: string): (object: KubeObject) => Pinpoint {
  const read = once(() => readObjects(file, root));
  return (object) => async (fields) => {
    const found = (await read()).find((each) => isDeepStrictEqual(each.object, object));
    if (!found) return relative(root, file);
    const [place] = fields.flatMap((field) => placeOfField(field, object, found.object) ?? []);
    return found.placeOf(place?.path ?? []);
  };
}

/**
 * @param where the kustomization as messages name it.
 * @returns what finds objects that it gave: by the kustomization alone what it generates, or may have made of several.
 */
export function inKustomization(folder: string, root: string, where: string): (object: KubeObject) => Pinpoint {
  const read = once(() => readPlaces(folder, root));
  return (object) => async (fields) => {
    const [place, ...others] = (await read()).filter((each) => mayBe(each, object));
    if (!place || others.length > 0) return where;
    for (const field of fields) {
      const at = placeIn(place, field, object);
      if (at !== undefined) return at;
    }
    // What is refused was set elsewhere.
    return fields.length === 0 ? place.from.placeOf([]) : `${place.from.placeOf([])}, by ${where}`;
  };
}

/** The last patch that sets the field is what it was set by. */
function placeIn({ from, patches }: KustomizePlace, field: string, object: KubeObject): string | undefined {
  for (const each of [...patches.toReversed(), from]) {
    const found = placeOfField(field, object, each.object);
    if (found && (found.isThere || each === from)) return each.placeOf(found.path);
  }
  return undefined;
}
