import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

const listening = '0A';
const namedAtMost = 3;

/**
 * @returns ` by nginx (pid 12)`: who has a TCP port of this machine, in words; the empty string where nobody can tell.
 * Linux only; of another user's process without the right to look into it only the user is known.
 */
export async function describeHolders(port: number, address: string): Promise<string> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => orElse(readFile(file, 'utf8'), '')),
  );
  const entries = tables.flatMap((table) => entriesOf(table, port));
  const listeners = entries.filter(({ state }) => state === listening);
  const inTheWay = listeners.filter((entry) => clash(entry.address, address));
  // Without a listener it is the near end of somebody's connection.
  const holders = [inTheWay, listeners, entries].find((some) => some.length > 0);
  if (!holders) return '';
  const named = await findProcesses(new Set(holders.map(({ inode }) => `socket:[${inode}]`)));
  if (named.length > 0) return ` by ${list(named)}`;
  const users = await Promise.all([...new Set(holders.map(({ uid }) => uid))].map(nameOfUser));
  return ` by a process of ${users.join(' and ')}`;
}

interface Entry {
  /** As the kernel writes it, in hexadecimal. */
  readonly address: string;
  readonly state: string;
  readonly uid: string;
  readonly inode: string;
}

/** https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html */
function entriesOf(table: string, port: number): readonly Entry[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , uid, , inode] = line.trim().split(/\s+/);
    if (!local?.endsWith(suffix) || state === undefined || uid === undefined || inode === undefined) return [];
    // Nobody owns what waits for its last packets.
    return inode === '0' ? [] : [{ address: local.slice(0, -suffix.length), state, uid, inode }];
  });
}

/** Whether a listener on `held` is in the way of one on `wanted`. */
function clash(held: string, wanted: string): boolean {
  const isEvery = /^0+$/.test(held);
  if (isEvery || wanted === '0.0.0.0' || wanted === '::') return true;
  const loopbacks = ['0100007F', '00000000000000000000000001000000', '0000000000000000FFFF00000100007F'];
  const isLocal = ['127.0.0.1', '::1', 'localhost'].includes(wanted);
  return loopbacks.includes(held) === isLocal;
}

interface Process {
  readonly pid: number;
  readonly name: string;
}

async function findProcesses(sockets: ReadonlySet<string>): Promise<readonly Process[]> {
  const pids = (await orElse(readdir('/proc'), [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(async (pid) => ((await holdsOne(pid, sockets)) ? describe(pid) : [])));
  return found.flat().sort((a, b) => a.pid - b.pid);
}

async function holdsOne(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await orElse(readdir(`/proc/${pid}/fd`), []);
  const links = await Promise.all(descriptors.map((fd) => orElse(readlink(`/proc/${pid}/fd/${fd}`), '')));
  return links.some((link) => sockets.has(link));
}

async function describe(pid: string): Promise<readonly Process[]> {
  const command = (await orElse(readFile(`/proc/${pid}/cmdline`, 'utf8'), '')).split('\0')[0] ?? '';
  // A server that names itself (`nginx: master process /usr/sbin/nginx`) is called by that.
  const [program = ''] = command.split(/[\s:]/);
  const name = basename(program) || (await orElse(readFile(`/proc/${pid}/comm`, 'utf8'), 'a process')).trim();
  return [{ pid: Number(pid), name }];
}

/** A server and its workers share one socket: the first of them are named. */
function list(processes: readonly Process[]): string {
  const named = processes.slice(0, namedAtMost).map(({ name, pid }) => `${name} (pid ${pid})`);
  const more = processes.length - named.length;
  if (more > 0) named.push(`${more} more`);
  const last = named.pop() ?? '';
  return named.length === 0 ? last : `${named.join(', ')} and ${last}`;
}

async function nameOfUser(uid: string): Promise<string> {
  const users = await orElse(readFile('/etc/passwd', 'utf8'), '');
  const found = users.split('\n').find((line) => line.split(':')[2] === uid);
  return found?.split(':')[0] ?? `user ${uid}`;
}

/** Processes end while they are looked at, and most of /proc belongs to others. */
async function orElse<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  return reading.catch(() => otherwise);
}
