import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';

/**
 * Writes a file that others never see half-written: a draft beside it takes its place when all of it is there. Whatever
 * fails, the file is as it was and no draft is left.
 *
 * @param path its folder has to be there. A link is replaced, not followed. @param mode of the new file, less the umask.
 * @throws what the file system said.
 */
export async function writeWhole(path: string, content: string | Uint8Array, { mode = 0o666 } = {}): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, content, { mode, flag: 'wx' });
    await rename(draft, path);
  } catch (error) {
    // What went wrong first is what is told.
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  }
}
