import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Failure } from '../errors.ts';
import { backoff, wait } from '../lib/wait.ts';

/** How long another holder may take. */
const patienceMs = 10_000;

/**
 * Holds `FILE.lock` while `work` runs. kubectl's `config` commands take a lock of the same name, so they are kept out too.
 * A lock whose holder, a process of this host, is gone is taken over.
 *
 * @throws Failure `usage` when it is not free within 10 s.
 */
export async function withFileLock<T>(file: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`;
  const deadline = Date.now() + patienceMs;
  const delays = backoff(10, 200);
  while (!(await create(lock))) {
    await clear(lock);
    if (Date.now() > deadline) throw await locked(file, lock);
    await wait(delays.next(), signal);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

function me(): string {
  return `${process.pid} ${hostname()}\n`;
}

async function create(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, me(), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a lock that nobody holds. One process at a time looks and removes, else a second would remove a fresh lock. */
async function clear(lock: string): Promise<void> {
  const turn = `${lock}.stale`;
  if (!(await isAbandoned(lock)) || !(await create(turn))) return;
  try {
    if (await isAbandoned(lock)) await rm(lock, { force: true });
  } finally {
    await rm(turn, { force: true });
  }
}

/** Only a lock that says whose it is can be judged; kubectl's is empty, and one that is being made still is. */
async function isAbandoned(lock: string): Promise<boolean> {
  const [pid, host] = (await holderOf(lock)).split(' ');
  if (!pid || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

async function holderOf(lock: string): Promise<string> {
  return (await readFile(lock, 'utf8').catch(() => '')).trim();
}

async function locked(file: string, lock: string): Promise<Failure> {
  const [pid] = (await holderOf(lock)).split(' ');
  return new Failure('usage', `${file} is locked${pid ? ` by process ${pid}` : ''}`, {
    where: lock,
    next: `try again, or remove ${lock} when no program is writing the file`,
  });
}
