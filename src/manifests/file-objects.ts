import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { formatPosition } from '../errors.ts';
import { isRecord } from '../lib/is-record.ts';
import { type ManifestDocument, parseManifestYaml, type YamlPath } from '../lib/yaml.ts';

/** An object as a file has it. */
export interface FileObject {
  readonly object: Readonly<Record<string, unknown>>;
  /** @returns `file:line:column` of the key or the item at a path of the object; an empty one is the object's own. */
  placeOf(path: YamlPath): string;
}

/** @returns the objects of a file, those of its Lists one by one; none where it can't be read or parsed. */
export async function readObjects(file: string, root: string): Promise<readonly FileObject[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? [] : parse(text, relative(root, file)).flatMap((each) => flatten(each, each.value, []));
}

function parse(text: string, shown: string): readonly ManifestDocument[] {
  try {
    return parseManifestYaml(text, shown);
  } catch {
    return [];
  }
}

function flatten(document: ManifestDocument, value: unknown, above: YamlPath): readonly FileObject[] {
  if (!isRecord(value)) return [];
  const { kind, items } = value;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items))
    return items.flatMap((item: unknown, index) => flatten(document, item, [...above, 'items', index]));
  const placeOf = (path: YamlPath) => {
    const whole = [...above, ...path];
    const last = whole.at(-1);
    const at = typeof last === 'string' ? document.positionOf(whole.slice(0, -1), last) : document.positionOf(whole);
    return formatPosition(at);
  };
  return [{ object: value, placeOf }];
}
