import { isRecord } from '../lib/is-record.ts';
import { keyOf, type ObjectId } from '../objects.ts';

/** Annotations of an object hold 256 KiB in all: https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/ */
const mostNoted = 500;

/** @returns the text of an annotation that names these objects, whatever their order; undefined for none. */
export function writeNoted(ids: readonly ObjectId[]): string | undefined {
  const byKey = new Map(ids.map((id) => [keyOf(id), id]));
  const sorted = [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).slice(0, mostNoted);
  const plain = sorted.map(([, { apiVersion, kind, namespace, name }]) => ({ apiVersion, kind, namespace, name }));
  return plain.length === 0 ? undefined : JSON.stringify(plain);
}

/** @returns the objects that it names; what is not understood of it is nothing. */
export function readNoted(text: string | undefined): readonly ObjectId[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.flatMap((each: unknown) => (isId(each) ? [each] : [])) : [];
  } catch {
    return [];
  }
}

function isId(value: unknown): value is ObjectId {
  if (!isRecord(value)) return false;
  const { apiVersion, kind, namespace, name } = value;
  const isPlaced = namespace === undefined || typeof namespace === 'string';
  return typeof apiVersion === 'string' && typeof kind === 'string' && typeof name === 'string' && isPlaced;
}
