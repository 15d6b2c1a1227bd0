import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isRecord } from '../lib/is-record.ts';
import { makeStateFolder } from '../lib/state-folder.ts';
import { writeWhole } from '../lib/write-whole.ts';
import type { ObjectMeta } from '../objects.ts';
import { isOwn, managedFieldsOf } from './managed-fields.ts';

/** Enough for a few hundred objects in each of several clusters; the oldest go first. */
const mostEntries = 5000;

/**
 * Remembers of each object that was applied what was sent, and which fields the server wrote down as ours for it. When both
 * are the same again, applying would change nothing: whoever else changes one of our fields takes it out of that list.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 *
 * It is a cache, by the objects' uids: lost or broken, everything is applied.
 */
export class AppliedMemory {
  readonly #file: string;
  #entries: Map<string, string>;
  #isChanged = false;

  private constructor(file: string, entries: Map<string, string>) {
    this.#file = file;
    this.#entries = entries;
  }

  /** @param file in `.stormctl`, whose folder is made at the first write. */
  static async open(file: string): Promise<AppliedMemory> {
    return new AppliedMemory(file, await readEntries(file));
  }

  /** @returns whether an apply of `body` leaves the object, of which this is the metadata now, as it is. */
  isApplied(body: string, metadata: ObjectMeta): boolean {
    const known = this.#entries.get(metadata.uid ?? '');
    return known !== undefined && metadata.deletionTimestamp === undefined && known === fingerprint(body, metadata);
  }

  /** @param metadata as the server answered the apply of `body`. */
  remember(body: string, metadata: ObjectMeta): void {
    const print = fingerprint(body, metadata);
    if (metadata.uid === undefined || print === undefined || this.#entries.get(metadata.uid) === print) return;
    this.#entries.delete(metadata.uid);
    this.#entries.set(metadata.uid, print);
    this.#isChanged = true;
  }

  /** Writes what is new. @throws what the file system says. */
  async save(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    // Another session may have written meanwhile; what this one saw is younger.
    const others = [...(await readEntries(this.#file))].filter(([uid]) => !this.#entries.has(uid));
    this.#entries = new Map([...others, ...this.#entries].slice(-mostEntries));
    await makeStateFolder(dirname(this.#file));
    // Hashes of Secrets stand in it.
    await writeWhole(this.#file, `${JSON.stringify(Object.fromEntries(this.#entries))}\n`, { mode: 0o600 });
  }
}

/** Undefined where the server says nothing of fields. The time tells an apply in our name that was not ours. */
function fingerprint(body: string, metadata: ObjectMeta): string | undefined {
  const own = managedFieldsOf(metadata).find(isOwn);
  if (own === undefined) return undefined;
  return createHash('sha256')
    .update(JSON.stringify([metadata.uid, own, body]))
    .digest('base64url');
}

async function readEntries(file: string): Promise<Map<string, string>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!isRecord(value)) return new Map();
    return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    // Missing, unreadable or broken: a cache that knows nothing.
    return new Map();
  }
}
