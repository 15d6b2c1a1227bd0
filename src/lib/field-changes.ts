import { isDeepStrictEqual } from 'node:util';
import { isRecord } from './is-record.ts';

/** A field that differs; undefined stands for one that is not there. */
export interface FieldChange {
  /** `spec.template.spec.containers[web].env[LOG_LEVEL]`: items of a list by what names them, else by their index. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * @returns what differs between two values, each as the smallest field that tells it, in the order of their keys. Items of
 * lists are paired by the field that names them (a container's `name`, a port's number), so that one more in front changes
 * nothing of the others.
 */
export function compareFields(before: unknown, after: unknown, path = ''): readonly FieldChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (isRecord(before) && isRecord(after)) return compareRecords(before, after, path);
  if (isRecords(before) && isRecords(after) && before.length + after.length > 0)
    return compareLists(before, after, path);
  return [{ path, before, after }];
}

/** @returns the path of a key: `a.b`, `labels[app.kubernetes.io/name]`. */
export function joinPath(path: string, key: string): string {
  if (!/^[\w$-]+$/.test(key)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

type Item = Readonly<Record<string, unknown>>;

function compareRecords(before: Item, after: Item, path: string): readonly FieldChange[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => compareFields(before[key], after[key], joinPath(path, key)));
}

/**
 * What can name an item, the surest first: two mounts of one volume have one name.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
const namingFields: readonly (readonly string[])[] = [
  ['containerPort'],
  ['mountPath'],
  ['devicePath'],
  ['name'],
  ['metadata', 'name'],
  ['port'],
  ['ip'],
  ['topologyKey'],
  ['key'],
  ['type'],
];

function compareLists(before: readonly Item[], after: readonly Item[], path: string): readonly FieldChange[] {
  const naming = namingFields.find((field) => isNamedBy(before, field) && isNamedBy(after, field));
  if (!naming) return compareByIndex(before, after, path);
  const [was, is] = [before, after].map((items) => new Map(items.map((item) => [String(at(item, naming)), item])));
  if (!was || !is) return [];
  const names = [...new Set([...was.keys(), ...is.keys()])];
  const changes = names.flatMap((name) => compareItems(was.get(name), is.get(name), `${path}[${name}]`));
  if (changes.length > 0) return changes;
  return [{ path: `${path} (their order)`, before: [...was.keys()], after: [...is.keys()] }];
}

/** Of a variable the value is all that there is to tell. */
function compareItems(before: Item | undefined, after: Item | undefined, path: string): readonly FieldChange[] {
  if ((before === undefined || isPair(before)) && (after === undefined || isPair(after)))
    return compareFields(before?.['value'], after?.['value'], path);
  return compareFields(before, after, path);
}

function compareByIndex(before: readonly Item[], after: readonly Item[], path: string): readonly FieldChange[] {
  const length = Math.max(before.length, after.length);
  return Array.from({ length }, (_, index) => compareFields(before[index], after[index], `${path}[${index}]`)).flat();
}

function isPair(item: Item): boolean {
  const keys = Object.keys(item);
  return keys.length === 2 && typeof item['name'] === 'string' && typeof item['value'] === 'string';
}

function isRecords(value: unknown): value is readonly Item[] {
  return Array.isArray(value) && value.every(isRecord);
}

function isNamedBy(items: readonly Item[], field: readonly string[]): boolean {
  const names = items.map((item) => at(item, field));
  const isScalar = names.every((name) => typeof name === 'string' || typeof name === 'number');
  return isScalar && new Set(names.map(String)).size === items.length;
}

function at(item: Item, field: readonly string[]): unknown {
  return field.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), item);
}
