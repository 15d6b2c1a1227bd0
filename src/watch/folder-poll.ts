import { basename } from 'node:path';
import { FSWatcher } from 'chokidar';
import type { FolderEvents, FolderWatch } from './folder-events.ts';

const pollEveryMs = 300;

/** Compares the files of a folder with their last state a few times a second. Resolves when it has seen each of them once. */
export async function pollFolder(folder: string, events: FolderEvents): Promise<FolderWatch> {
  const watcher = new FSWatcher({
    depth: 0,
    ignoreInitial: true,
    ignorePermissionErrors: true,
    atomic: false,
    usePolling: true,
    interval: pollEveryMs,
    binaryInterval: pollEveryMs,
    ignored: (path, stats) => path !== folder && (stats?.isDirectory() ?? false),
  });
  // Its raw events are neither throttled nor delayed, as `change` is.
  watcher.on('raw', (_kind, path: string | null | undefined, details) => {
    const itsOwn = (details as { watchedPath?: string }).watchedPath === folder;
    events.changed(itsOwn && path ? basename(path) : undefined);
  });
  watcher.on('error', (error) => events.failed(error instanceof Error ? error : new Error(String(error))));
  // Not `once` of node:events: that rejects at the first error, and chokidar is ready in spite of it.
  const ready = new Promise<void>((resolve) => watcher.once('ready', resolve));
  watcher.add(folder);
  await ready;
  return {
    polling: true,
    async close() {
      await watcher.close();
      // It drops its listeners when it closes, and an `error` that nobody hears would end the process.
      watcher.on('error', () => {});
    },
  };
}
