import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../lib/is-record.ts';
import type { YamlPath } from '../lib/yaml.ts';

export interface FieldPlace {
  /** Where the source has the field, or what lacks it. */
  readonly path: YamlPath;
  readonly isThere: boolean;
}

/**
 * Follows a field through an object and what it was made of, side by side.
 *
 * @param field as the API server names it: `spec.containers[0].image`, `.spec.containers[name="web"].image`, `data[a.b]`.
 * @param object what the field was refused of.
 * @returns where the source has it; undefined unless it has there what the object has, or lacks it too: something else has
 * set it then.
 */
export function placeOfField(field: string, object: unknown, source: unknown): FieldPlace | undefined {
  let [rest, of, within] = [field, object, source];
  const path: (string | number)[] = [];
  while (rest !== '') {
    const step = stepOf(rest, of);
    if (!step) {
      const lacksToo = stepOf(rest, within) === undefined && Array.isArray(of) === Array.isArray(within);
      return lacksToo && path.length > 0 ? { path, isThere: false } : undefined;
    }
    const key = Array.isArray(of) && typeof step.key === 'number' ? pairOf(of[step.key], step.key, within) : step.key;
    const next = key === undefined ? undefined : entryOf(within, key);
    if (key === undefined || next === undefined) return undefined;
    path.push(key);
    [rest, of, within] = [step.rest, entryOf(of, step.key), next];
  }
  return path.length > 0 && isDeepStrictEqual(of, within) ? { path, isThere: true } : undefined;
}

interface Step {
  readonly key: string | number;
  readonly rest: string;
}

/** @returns the first step of a field and what is left of it; undefined where the value has nothing of that name. */
function stepOf(field: string, value: unknown): Step | undefined {
  const text = field.replace(/^\./u, '');
  const [whole = '', inside = ''] = /^\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\]/u.exec(text) ?? [];
  if (Array.isArray(value)) {
    const index = /^\d+$/u.test(inside) ? Number(inside) : indexOfNamed(inside, value);
    return index in value ? { key: index, rest: text.slice(whole.length) } : undefined;
  }
  if (!isRecord(value)) return undefined;
  if (whole !== '') return Object.hasOwn(value, inside) ? { key: inside, rest: text.slice(whole.length) } : undefined;
  // A key can have dots in it, and then the longest one is meant.
  const keys = Object.keys(value).filter((key) => text.startsWith(key) && /^(?:[.[]|$)/u.test(text.slice(key.length)));
  const [key] = keys.sort((a, b) => b.length - a.length);
  return key === undefined ? undefined : { key, rest: text.slice(key.length) };
}

/** @returns the index of the one item that has all of `name="web"` or `port=80,protocol="TCP"`; -1 when there is no such one. */
function indexOfNamed(named: string, items: readonly unknown[]): number {
  const wanted = [...named.matchAll(/([\w.-]+)=("(?:[^"\\]|\\.)*"|[^,]+)/gu)].map(([, key = '', value = '']) => ({
    key,
    value: value.replace(/^"(.*)"$/su, '$1'),
  }));
  // What is not given has its default.
  const isMeant = (item: unknown) =>
    isRecord(item) &&
    wanted.every(({ key, value }) => item[key] === undefined || `${item[key] as string | number | boolean}` === value);
  const [index = -1, ...more] = items.flatMap((item, at) => (isMeant(item) ? [at] : []));
  return wanted.length === 0 || more.length > 0 ? -1 : index;
}

/** Where the source has an item: a patch of some other file may have put one in front of it. */
function pairOf(item: unknown, index: number, source: unknown): number | undefined {
  if (!Array.isArray(source)) return undefined;
  const name = isRecord(item) ? item['name'] : undefined;
  if (typeof name !== 'string') return index;
  const found = source.findIndex((each: unknown) => isRecord(each) && each['name'] === name);
  return found < 0 ? undefined : found;
}

function entryOf(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isRecord(value) ? value[key] : undefined;
}
