import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A scratch folder and child processes that go when the bench ends, also by Ctrl+C, and whatever else is given to `atEnd`. */
export function openBench(name) {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), `stormctl-${name}-`)));
  const children = new Set();
  const last = [];
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ending.abort(new Error(signal)));
  return {
    scratch,
    /** Aborts at Ctrl+C; every wait of the bench ends with it. */
    signal: ending.signal,
    atEnd: (undo) => last.push(undo),
    /** A child whose standard output is read line by line. */
    start(command, args, options) {
      // A group of its own: the terminal's Ctrl+C is for the bench, which ends its children in its own order.
      const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true, ...options });
      children.add(child);
      const lines = [];
      const readers = new Set();
      const wake = () => {
        for (const read of readers) read();
      };
      let ended = false;
      const closed = new Promise((settle) => child.on('close', settle)).then(() => {
        ended = true;
        children.delete(child);
        wake();
      });
      createInterface({ input: child.stdout }).on('line', (line) => {
        lines.push(line);
        wake();
      });
      return {
        child,
        lines,
        /** @returns what `pick` finds in the lines from `from` on, as soon as it finds it. */
        find: (what, pick, from = 0) =>
          new Promise((settle, reject) => {
            const read = () => {
              const found = pick(lines.slice(from));
              if (found === undefined && !ended && !ending.signal.aborted) return;
              readers.delete(read);
              ending.signal.removeEventListener('abort', read);
              if (found !== undefined) settle(found);
              else
                reject(
                  ending.signal.reason ?? new Error(`${command} ended before ${what}\n${lines.slice(-20).join('\n')}`),
                );
            };
            readers.add(read);
            ending.signal.addEventListener('abort', read);
            read();
          }),
        async end(signal = 'SIGTERM') {
          child.kill(signal);
          await closed;
        },
      };
    },
    async close() {
      for (const child of children) child.kill('SIGKILL');
      for (const undo of last.reverse()) await undo();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** The value that `share` (0.5: the median) of the numbers are not above. */
export function percentile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

export function round(number) {
  return number === undefined ? undefined : Math.round(number * 10) / 10;
}

/** A kilobyte field of /proc/PID/status, in MB. */
export function memoryMb(pid, field) {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** CPU time that a process has used, in ms. */
export function cpuMs(pid) {
  const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold spaces: utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1000;
}

/** CPU time that a process used in `seconds`, in percent of one core. */
export async function cpuPercent(pid, seconds, signal) {
  const [before, from] = [cpuMs(pid), performance.now()];
  await pause(seconds * 1000, signal);
  return ((cpuMs(pid) - before) / (performance.now() - from)) * 100;
}

export function pause(ms, signal) {
  return new Promise((settle, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      settle();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

export function machine() {
  return `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}`;
}

export function labKubeconfig() {
  if (process.env.KUBECONFIG) return process.env.KUBECONFIG;
  if (!existsSync('test/lab/lab')) return undefined;
  const { stdout } = spawnSync('test/lab/lab', ['status'], { encoding: 'utf8' });
  return /^export KUBECONFIG=(.+)$/m.exec(stdout)?.[1];
}
