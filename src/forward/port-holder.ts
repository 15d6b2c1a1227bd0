import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** A process that listens on a port. */
export interface Holder {
  readonly pid: number;
  readonly name: string;
}

/**
 * Who listens on a TCP port of this machine, on whatever address. Linux only, and only processes that this user may
 * look into: elsewhere, and for others' processes, the answer is empty.
 */
export async function findHolders(port: number): Promise<readonly Holder[]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => orElse(readFile(file, 'utf8'), '')),
  );
  const sockets = new Set(tables.flatMap((table) => listeners(table, port)).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return [];
  const pids = (await orElse(readdir('/proc'), [])).filter((name) => /^\d+$/.test(name));
  const holders = await Promise.all(pids.map(async (pid) => ((await holdsOne(pid, sockets)) ? describe(pid) : [])));
  return holders.flat();
}

/** The inodes of the sockets that listen on `port`: https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html */
function listeners(table: string, port: number): readonly string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listen = '0A';
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return local?.endsWith(suffix) && state === listen && inode !== undefined ? [inode] : [];
  });
}

async function holdsOne(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await orElse(readdir(`/proc/${pid}/fd`), []);
  const links = await Promise.all(descriptors.map((fd) => orElse(readlink(`/proc/${pid}/fd/${fd}`), '')));
  return links.some((link) => sockets.has(link));
}

async function describe(pid: string): Promise<readonly Holder[]> {
  const command = (await orElse(readFile(`/proc/${pid}/cmdline`, 'utf8'), '')).split('\0')[0] ?? '';
  const name = basename(command) || (await orElse(readFile(`/proc/${pid}/comm`, 'utf8'), 'a process')).trim();
  return [{ pid: Number(pid), name }];
}

/** Processes end while they are looked at, and most of /proc belongs to others. */
async function orElse<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  return reading.catch(() => otherwise);
}
