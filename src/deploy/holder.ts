import { createHash, randomUUID } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname, networkInterfaces, userInfo } from 'node:os';

/** A session that holds a project, as its Lease tells others. */
export interface Holder {
  /** Of this session alone: a process that comes to have its number is another one. */
  readonly session: string;
  readonly user: string;
  readonly host: string;
  /** Equal only where a process number means the same process. */
  readonly machine: string;
  readonly pid: number;
  /** `dev`, `run`, `deploy`, `delete`. */
  readonly command: string;
}

/** @returns this process as the holder of a project. */
export async function thisHolder(command: string): Promise<Holder> {
  return {
    session: randomUUID(),
    user: userName(),
    host: hostname(),
    machine: await machineId(),
    pid: process.pid,
    command,
  };
}

/** @returns `ann@laptop`. */
export function nameOf({ user, host }: Pick<Holder, 'user' | 'host'>): string {
  return `${user}@${host}`;
}

/** Whether the process of a holder that ran on this machine is there no more; false where nobody can tell. */
export function hasDied(holder: Holder, self: Holder): boolean {
  if (holder.machine !== self.machine) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/**
 * Two machines may have one name, and two containers one kernel: on Linux the boot and the namespace of process numbers
 * tell, elsewhere the network cards. Where these change the Lease's own time decides, later.
 */
async function machineId(): Promise<string> {
  const hash = createHash('sha256').update(hostname());
  try {
    hash.update(await readFile('/proc/sys/kernel/random/boot_id', 'utf8'));
    hash.update(await readlink('/proc/self/ns/pid'));
  } catch {
    const cards = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ mac }) => mac) ?? []);
    hash.update([...new Set(cards)].sort().join());
  }
  return hash.digest('hex').slice(0, 16);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run with a user id that has no name.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
