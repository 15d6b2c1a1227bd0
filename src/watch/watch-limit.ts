import { readFileSync } from 'node:fs';
import { Failure } from '../errors.ts';

/** What a person has to know when the kernel refuses to watch more: the number needed, the one there is, and how to raise it. */
export function watchLimitFailure(error: NodeJS.ErrnoException, folders: number, polled: number): Failure {
  const setting = error.code === 'EMFILE' ? 'max_user_instances' : 'max_user_watches';
  const limit = readLimit(setting);
  const raised = Math.max(2 ** 19, 2 * ((limit ?? 0) + folders));
  const value = setting === 'max_user_instances' ? Math.max(1024, 2 * (limit ?? 0)) : raised;
  return new Failure(
    'usage',
    `the kernel's limit of file watches is reached: ${polled} of ${folders} folders are polled, which is slower and costs CPU`,
    {
      where: `fs.inotify.${setting} = ${limit ?? 'unknown'}`,
      detail: `stormctl needs ${folders} watches here, one a folder; the limit is shared by all programs of this user`,
      next: `sudo sysctl fs.inotify.${setting}=${value}, and start again (to keep it: a line in /etc/sysctl.d/)`,
      cause: error,
    },
  );
}

function readLimit(setting: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/fs/inotify/${setting}`, 'utf8'));
  } catch {
    // Not Linux, or /proc is hidden: the words are right without the number.
    return undefined;
  }
}
