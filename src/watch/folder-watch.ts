import { watch } from 'node:fs';
import type { FolderEvents, FolderWatch } from './folder-events.ts';
import { pollFolder } from './folder-poll.ts';

/**
 * Resolves when the watch holds: what happens to the folder from then on is told. The kernel's own watch on the folder, and
 * none on its files; where the kernel has none left, the folder is polled.
 *
 * @returns undefined for a folder that is not there or may not be read: whoever lists it finds out which.
 */
export async function watchFolder(folder: string, events: FolderEvents): Promise<FolderWatch | undefined> {
  try {
    return openNative(folder, events);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EMFILE') return undefined;
    events.limited(error as NodeJS.ErrnoException);
    return pollFolder(folder, events);
  }
}

function openNative(folder: string, events: FolderEvents): FolderWatch {
  const watcher = watch(folder, (_kind, name) => events.changed(name ?? undefined));
  watcher.on('error', events.failed);
  return {
    polling: false,
    close() {
      watcher.close();
      return Promise.resolve();
    },
  };
}
