import { mkdir } from 'node:fs/promises';
import { isGone } from '../lib/if-gone.ts';
import { makeStateFolder } from '../lib/state-folder.ts';

/**
 * Writes into a folder which may be deleted at any time: where it is not there it is made.
 *
 * @param state `.stormctl`, which gets its own `.gitignore`. @param folder that, or one in it.
 */
export async function inFolder<T>(state: string, folder: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isGone(error)) throw error;
    await makeStateFolder(state);
    await mkdir(folder, { recursive: true });
    return write();
  }
}
