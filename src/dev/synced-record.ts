import { mkdir, readFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { isRecord } from '../lib/is-record.ts';
import { makeStateFolder, stateFolderOf } from '../lib/state-folder.ts';
import { writeWhole } from '../lib/write-whole.ts';
import type { Project } from '../project.ts';
import type { SyncFile } from '../sync/syncer.ts';
import type { Site } from '../up/site.ts';

/** What containers were given that their image does not hold. */
export interface Synced {
  readonly containers: readonly string[];
  readonly files: readonly SyncFile[];
}

/** What containers keep of earlier sessions: who runs on has files that the tree may have no more, or otherwise. */
export interface SyncedRecord {
  /** @returns what a service's containers were given by the sessions before this one; undefined: nothing that is known. */
  before(service: string): Synced | undefined;
  /** Takes the place of what is known of a service; on disk soon, and when `written` resolves. */
  note(service: string, synced: Synced): void;
  /** Resolves when what was noted is on disk. What can't be written there is forgotten: the images' cache tells of it. */
  written(): Promise<void>;
}

/**
 * Keeps in `.stormctl/synced/` which files each service's containers were given. It is a cache: without it a file that is
 * taken back while no session runs stays as it was synced, in the containers that run on.
 *
 * Files are kept relative to the project's folder, so that nothing is taken for removed when that was moved.
 */
export async function openSyncedRecord(
  { root, services }: Pick<Project, 'root' | 'services'>,
  { place }: Pick<Site, 'place'>,
): Promise<SyncedRecord> {
  const folder = stateFolderOf(root);
  const fileOf = (service: string) => join(folder, 'synced', `${encodeURIComponent(service)}.json`);
  const read = services.map(async ({ name }) => [name, await readSynced(fileOf(name), root, place)] as const);
  const before = new Map(await Promise.all(read));
  const pending = new Map<string, Synced>();
  let writing: Promise<void> = Promise.resolve();

  const write = async () => {
    const [next] = pending;
    if (!next) return;
    const [service, { containers, files }] = next;
    pending.delete(service);
    const kept = files.map((file) => ({ ...file, from: relative(root, file.from) }));
    await makeStateFolder(folder);
    await mkdir(join(folder, 'synced'), { recursive: true });
    await writeWhole(fileOf(service), `${JSON.stringify({ place, containers, files: kept })}\n`);
  };

  return {
    before: (service) => before.get(service),
    note(service, synced) {
      pending.set(service, synced);
      writing = writing.then(write).catch(() => {});
    },
    written: () => writing,
  };
}

async function readSynced(file: string, root: string, place: string): Promise<Synced | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!isRecord(value) || value['place'] !== place) return undefined;
    const { containers, files } = value;
    if (!Array.isArray(containers) || !Array.isArray(files)) return undefined;
    return {
      containers: containers.filter((each) => typeof each === 'string'),
      files: files.flatMap((each: unknown) => readFileOf(each, root) ?? []),
    };
  } catch {
    // Missing, unreadable or broken: a cache that knows nothing.
    return undefined;
  }
}

function readFileOf(value: unknown, root: string): SyncFile | undefined {
  if (!isRecord(value)) return undefined;
  const { from, to, root: under, mode, modeChanged, notInImage } = value;
  if (typeof from !== 'string' || typeof to !== 'string' || typeof under !== 'string' || isAbsolute(from))
    return undefined;
  return {
    from: join(root, from),
    to,
    root: under,
    ...(typeof mode === 'number' && { mode }),
    ...(modeChanged === true && { modeChanged }),
    ...(notInImage === true && { notInImage }),
  };
}
