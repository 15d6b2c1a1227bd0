import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../lib/is-record.ts';
import { writeWhole } from '../lib/write-whole.ts';

/** What an image was built from, one by one. */
export interface Contents {
  /** Stands for the Dockerfile, the ignore file, target, arguments and network. */
  readonly facts: string;
  /** By path in the build context, in the order of their list. */
  readonly entries: Readonly<Record<string, Entry>>;
}

/** Permission bits, type, and the hash of a file's bytes or the target of a link. */
type Entry = readonly [mode: number, kind: string, content: string];

export interface KnownImage {
  /** The image's id: `sha256:…`. */
  readonly id: string;
  readonly contents: Contents;
}

/** Files that would have to be brought to a container of one image to make it one of the other; paths in the context. */
export interface Difference {
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/**
 * @returns how to get from one to the other; undefined when that takes more than writing and removing plain files that keep
 * their modes.
 */
export function differenceOf(from: Contents, to: Contents): Difference | undefined {
  if (from.facts !== to.facts) return undefined;
  const changed: string[] = [];
  const removed: string[] = [];
  const folders: string[] = [];
  for (const path of new Set([...Object.keys(from.entries), ...Object.keys(to.entries)])) {
    const before = entryOf(from, path);
    const after = entryOf(to, path);
    if (before?.join() === after?.join()) continue;
    const [mode, kind] = after ?? before ?? [];
    if (before && after && (before[0] !== mode || before[1] !== kind)) return undefined;
    if (kind === 'file') (after ? changed : removed).push(path);
    else if (kind === 'folder') folders.push(path);
    else return undefined;
  }
  const files = [...changed, ...removed];
  // A folder comes and goes with the files in it.
  const areMade = folders.every((folder) => files.some((file) => file.startsWith(`${folder}/`)));
  return files.length > 0 && areMade ? { changed, removed } : undefined;
}

/** A file may be named like a property that every object has. */
function entryOf({ entries }: Contents, path: string): Entry | undefined {
  return Object.hasOwn(entries, path) ? entries[path] : undefined;
}

/** @returns what is known of a service's last image; undefined when that is nothing, or can't be read. */
export async function readKnownImage(folder: string, service: string): Promise<KnownImage | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(fileOf(folder, service), 'utf8'));
    return isKnownImage(value) ? value : undefined;
  } catch {
    // Missing, unreadable or broken: a cache that knows nothing.
    return undefined;
  }
}

/** Replaces what is known of a service's last image; whole on disk when it resolves. */
export async function writeKnownImage(folder: string, service: string, image: KnownImage): Promise<void> {
  const file = fileOf(folder, service);
  await mkdir(join(folder, 'contents'), { recursive: true });
  await writeWhole(file, `${JSON.stringify(image)}\n`);
}

function fileOf(folder: string, service: string): string {
  return join(folder, 'contents', `${encodeURIComponent(service)}.json`);
}

function isKnownImage(value: unknown): value is KnownImage {
  if (!isRecord(value) || typeof value['id'] !== 'string') return false;
  const { contents } = value;
  if (!isRecord(contents) || typeof contents['facts'] !== 'string' || !isRecord(contents['entries'])) return false;
  return Object.values(contents['entries']).every(
    (entry) =>
      Array.isArray(entry) && typeof entry[0] === 'number' && entry.slice(1).every((part) => typeof part === 'string'),
  );
}
