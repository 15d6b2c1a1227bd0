import { stat } from 'node:fs/promises';

/** Whether a file system call failed because there is nothing at its path: no entry, or a file where a folder would be. */
export function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** For the `catch` of a listing: a folder that is not there holds nothing. @throws any other error as it is. */
export function emptyIfGone(error: unknown): [] {
  if (isGone(error)) return [];
  throw error;
}

/** For the `catch` of what needs nothing to be there. @throws any other error as it is. */
export function undefinedIfGone(error: unknown): undefined {
  if (isGone(error)) return undefined;
  throw error;
}

/** @returns what is there, symbolic links followed: a missing path is `undefined`, and so is one below a file. */
export async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
