import { basename } from 'node:path';
import { FSWatcher } from 'chokidar';

/** A live watch on the entries of one folder, not on what is below its subfolders. */
export interface FolderWatch {
  /** The kernel had no watch left for it: its files are compared with their last state a few times a second. */
  readonly polling: boolean;
  close(): Promise<void>;
}

export interface FolderEvents {
  /** Something happened to the entry `name`, to the folder itself (its own name), or, without a name, to any of them. */
  readonly changed: (name: string | undefined) => void;
  readonly failed: (error: Error) => void;
  /** The kernel refused a watch (ENOSPC, EMFILE); the folder is polled instead. */
  readonly limited: (error: NodeJS.ErrnoException) => void;
}

const pollEveryMs = 300;

/**
 * Resolves when the watch holds: what happens to the folder from then on is told. A folder that is not there resolves
 * too, and tells nothing.
 *
 * One chokidar instance a folder, not one for the tree: in a tree it reads a new folder before it watches it and stays on
 * the old inode of a folder that was removed and remade, and its `change` is throttled to one in 50 ms; each loses files.
 * Its raw events are neither throttled nor delayed, and only mark the folder: the truth is read from disk.
 */
export async function watchFolder(folder: string, events: FolderEvents): Promise<FolderWatch> {
  const native = await open(folder, events, false);
  if (!native.refused) return native;
  await native.close();
  events.limited(native.refused);
  return open(folder, events, true);
}

async function open(
  folder: string,
  events: FolderEvents,
  usePolling: boolean,
): Promise<FolderWatch & { readonly refused: NodeJS.ErrnoException | undefined }> {
  let refused: NodeJS.ErrnoException | undefined;
  const watcher: FSWatcher = new FSWatcher({
    depth: 0,
    ignoreInitial: true,
    ignorePermissionErrors: true,
    atomic: false,
    usePolling,
    interval: pollEveryMs,
    binaryInterval: pollEveryMs,
    // A folder's own watch tells of its files, so they need none; polling has to look at each of them.
    ignored: (path, stats) => path !== folder && (watcher.options.usePolling ? (stats?.isDirectory() ?? false) : true),
  });
  watcher.on('raw', (_kind, path: string | null | undefined, details) => {
    const itsOwn = (details as { watchedPath?: string }).watchedPath === folder;
    events.changed(itsOwn && path ? basename(path) : undefined);
  });
  watcher.on('error', (error) => {
    if (isLimit(error) && !usePolling) refused = error;
    else events.failed(error instanceof Error ? error : new Error(String(error)));
  });
  // Not `once` of node:events: that rejects at the first error, and chokidar is ready in spite of it.
  const ready = new Promise<void>((resolve) => watcher.once('ready', resolve));
  watcher.add(folder);
  await ready;
  return {
    polling: watcher.options.usePolling,
    refused,
    async close() {
      await watcher.close();
      // It drops its listeners when it closes, and an `error` that nobody hears would end the process.
      watcher.on('error', () => {});
    },
  };
}

function isLimit(error: unknown): error is NodeJS.ErrnoException {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EMFILE';
}
