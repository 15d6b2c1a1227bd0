import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a program left the terminal it ran in. */
export interface PtyEnd {
  /** Its exit code, or minus the number of the signal that ended it. */
  readonly code: number;
  /** Whether the terminal was in raw mode when the first key was sent. */
  readonly wasRaw: boolean;
  /** Whether its modes are those that it had before. */
  readonly isRestored: boolean;
}

// Node.js has no pseudo-terminals, and python3 has. What it reads is typed; what is printed it prints; the end it tells on
// standard error. The slave stays open here, so that its modes can be read when the program is gone.
const driver = `
import fcntl, json, os, pty, select, struct, sys, termios
rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
before, raw, status = termios.tcgetattr(slave), None, None
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2): os.dup2(slave, fd)
    os.close(master); os.close(slave)
    os.execvp(command[0], command)
print(json.dumps({'pid': pid}), file=sys.stderr, flush=True)
inputs = [master, 0]
while True:
    ready, _, _ = select.select(inputs, [], [], 0.02)
    if master in ready: os.write(1, os.read(master, 65536))
    if 0 in ready:
        typed = os.read(0, 65536)
        if typed == b'': inputs.remove(0)
        if raw is None: raw = not termios.tcgetattr(slave)[3] & termios.ICANON
        os.write(master, typed)
    if status is None:
        gone, code = os.waitpid(pid, os.WNOHANG)
        if gone: status = code
    elif master not in ready: break
after = termios.tcgetattr(slave)
print(json.dumps({'code': os.waitstatus_to_exitcode(status), 'wasRaw': bool(raw), 'isRestored': before == after}), file=sys.stderr, flush=True)
`;

/** A program in a pseudo-terminal of its own. */
export class Pty implements AsyncDisposable {
  output = '';
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  readonly #ended: Promise<PtyEnd>;
  #told = '';

  constructor(
    command: readonly string[],
    options: {
      readonly columns: number;
      readonly rows: number;
      readonly env: Readonly<Record<string, string | undefined>>;
    },
  ) {
    const { columns, rows, env } = options;
    this.#child = spawn('python3', ['-c', driver, String(rows), String(columns), ...command], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      for (const watcher of this.#watchers) watcher();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#told += text;
    });
    this.#ended = once(this.#child, 'close').then(() => {
      const last = this.#told.trim().split('\n').at(-1) ?? '';
      if (!last.includes('isRestored')) throw new Error(`the driver failed: ${this.#told}`);
      return JSON.parse(last) as PtyEnd;
    });
    this.#ended.catch(() => {});
  }

  /** Whether a machine has what this needs. */
  static async isPossible(): Promise<boolean> {
    const child = spawn('python3', ['-c', 'import pty, os; os.waitstatus_to_exitcode(0)'], { stdio: 'ignore' });
    return new Promise((resolve) => {
      child.on('error', () => resolve(false));
      child.on('close', (code) => resolve(code === 0));
    });
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  kill(signal: NodeJS.Signals): void {
    const [first = '{}'] = this.#told.split('\n');
    process.kill((JSON.parse(first) as { readonly pid: number }).pid, signal);
  }

  /** Resolves when what was printed matches. */
  async until(pattern: RegExp, timeoutMs = 60_000): Promise<void> {
    if (pattern.test(this.output)) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const look = () => {
        if (pattern.test(this.output)) finish(resolve);
      };
      const timer = setTimeout(
        () =>
          finish(() => reject(new Error(`waited in vain for ${pattern}\n${JSON.stringify(this.output)}${this.#told}`))),
        timeoutMs,
      );
      this.#watchers.add(look);
    });
  }

  ended(): Promise<PtyEnd> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => {});
  }
}
