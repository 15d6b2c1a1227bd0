import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where stormctl keeps what it remembers of the project whose config lies in `root`. It is a cache (rule 9). */
export function stateFolderOf(root: string): string {
  return join(root, '.stormctl');
}

/** Makes the folder of what a project remembers (`.stormctl`) where it is absent, with a `.gitignore` of its own. */
export async function makeStateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx' }).catch(unlessThere);
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
