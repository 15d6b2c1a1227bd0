import { lstatSync, type Stats, statSync } from 'node:fs';

/** Follows symbolic links. What can't be reached is as good as absent: a folder that may not be read says so when it is listed. */
export function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** As {@link statIfThere}, of a symbolic link itself. */
export function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
