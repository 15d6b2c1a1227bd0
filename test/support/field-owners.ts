import { isDeepStrictEqual } from 'node:util';

type Raw = Record<string, unknown>;

interface Entry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly fields: Set<string>;
  /** When it was written last so that it changed something. */
  readonly time: string | undefined;
}

/** Who owns which field of one object, as far as an API server tells it; a list is one field. */
export class FieldOwners {
  #entries: readonly Entry[] = [];

  /** Fields of `body` that somebody else owns, with another value. */
  conflicts(
    manager: string,
    live: Raw | undefined,
    body: Raw,
  ): readonly { readonly manager: string; readonly field: string }[] {
    return leavesOf(body).flatMap((field) => {
      if (isDeepStrictEqual(valueAt(live, field), valueAt(body, field))) return [];
      const holder = this.#entries.find(
        (entry) => entry.fields.has(field) && !(entry.manager === manager && entry.operation === 'Apply'),
      );
      return holder ? [{ manager: holder.manager, field: `.${(JSON.parse(field) as string[]).join('.')}` }] : [];
    });
  }

  /** What is applied is its manager's; where it changes a value, only its. @returns `live` without what it owned alone. */
  apply(manager: string, live: Raw | undefined, body: Raw): Raw {
    const fields = leavesOf(body);
    const isOwn = (entry: Entry) => entry.manager === manager && entry.operation === 'Apply';
    const owned = [...(this.#entries.find(isOwn)?.fields ?? [])];
    const left = owned.filter(
      (field) => !fields.includes(field) && !this.#entries.some((entry) => !isOwn(entry) && entry.fields.has(field)),
    );
    const changed = new Set(fields.filter((field) => !isDeepStrictEqual(valueAt(live, field), valueAt(body, field))));
    this.#replace(manager, 'Apply', new Set(fields), changed);
    return left.reduce((rest, field) => without(rest, JSON.parse(field) as string[]), live ?? {});
  }

  /** What is written otherwise is its writer's where it changes something. */
  update(manager: string, live: Raw | undefined, next: Raw): void {
    const changed = new Set(
      [...new Set([...leavesOf(live ?? {}), ...leavesOf(next)])].filter(
        (field) => !isDeepStrictEqual(valueAt(live, field), valueAt(next, field)),
      ),
    );
    const own = this.#entries.find((entry) => entry.manager === manager && entry.operation === 'Update');
    const there = [...changed].filter((field) => valueAt(next, field) !== undefined);
    this.#replace(manager, 'Update', new Set([...(own?.fields ?? []), ...there]), changed);
  }

  /** As somebody writes them. */
  set(managedFields: readonly unknown[]): void {
    this.#entries = (managedFields as readonly (Omit<Entry, 'fields'> & { readonly fieldsV1: Raw })[]).map(
      ({ manager, operation, fieldsV1, time }) => ({ manager, operation, fields: new Set(decode(fieldsV1)), time }),
    );
  }

  managedFields(): readonly unknown[] {
    return this.#entries.map(({ manager, operation, fields, time }) => ({
      manager,
      operation,
      apiVersion: 'v1',
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: encode(fields),
    }));
  }

  #replace(manager: string, operation: Entry['operation'], fields: Set<string>, taken: ReadonlySet<string>): void {
    const others = this.#entries
      .filter((entry) => entry.manager !== manager || entry.operation !== operation)
      .map((entry) => ({ ...entry, fields: new Set([...entry.fields].filter((field) => !taken.has(field))) }));
    const before = this.#entries.find((entry) => entry.manager === manager && entry.operation === operation);
    const isSame = taken.size === 0 && isDeepStrictEqual(before?.fields, fields);
    const time = isSame ? before?.time : new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    this.#entries = [...others, { manager, operation, fields, time }].filter((entry) => entry.fields.size > 0);
  }
}

/** Of everything that can be owned: not what names the object. */
function leavesOf(object: Raw): readonly string[] {
  const { apiVersion: _version, kind: _kind, status: _status, metadata, ...content } = object;
  const { labels, annotations } = (metadata ?? {}) as Raw;
  return leaves({ ...content, metadata: { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) } });
}

function leaves(value: unknown, path: readonly string[] = []): readonly string[] {
  if (isRecord(value)) return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
  return [JSON.stringify(path)];
}

function valueAt(object: Raw | undefined, field: string): unknown {
  return (JSON.parse(field) as string[]).reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), object);
}

function without(object: Raw, [key = '', ...below]: readonly string[]): Raw {
  const { [key]: value, ...others } = object;
  return below.length > 0 && isRecord(value) ? { ...others, [key]: without(value, below) } : others;
}

function encode(fields: Iterable<string>): Raw {
  const root: Raw = {};
  for (const field of [...fields].sort()) {
    let at = root;
    for (const key of JSON.parse(field) as string[]) at = (at[`f:${key}`] ??= {}) as Raw;
  }
  return root;
}

function decode(node: Raw, path: readonly string[] = []): readonly string[] {
  const below = Object.entries(node).filter(([key]) => key.startsWith('f:'));
  if (below.length === 0) return [JSON.stringify(path)];
  return below.flatMap(([key, item]) => decode(item as Raw, [...path, key.slice(2)]));
}

function isRecord(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
