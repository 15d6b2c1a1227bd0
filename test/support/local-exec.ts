import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecEnd, ExecRequest, ExecSession } from '../../src/kube/kube.ts';

export interface LocalExecOptions {
  /** The programs that the "containers" have, and what stands for them here. Default: `node`. */
  readonly programs?: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
  /** Who may run them as. Needs root. */
  readonly uid?: number;
  /** Cuts what is written into pieces of these lengths, over and over. */
  readonly pieces?: readonly number[];
  /** Processes outlive their session, as in a real container those do that don't read their input. */
  readonly outlive?: boolean;
}

/**
 * Exec as the API server has it, with processes of this machine in the place of a container's: what is refused, how a
 * session ends and what is told of it are as on a real one (a killed process is exit code 137).
 */
export class LocalExec {
  /** Every request that came, in order. */
  readonly requests: ExecRequest[] = [];
  readonly #options: LocalExecOptions;
  readonly #running = new Map<ChildProcess, string>();
  /** Answers before anything is started. */
  refuse: ((request: ExecRequest) => Error | undefined) | undefined;

  constructor(options: LocalExecOptions = {}) {
    this.#options = options;
  }

  /** Ends every process of a container, as a crash of it does. */
  async kill(container: string): Promise<void> {
    const children = [...this.#running].filter(([, name]) => name === container).map(([child]) => child);
    await Promise.all(
      children.map(async (child) => {
        const closed = once(child, 'close');
        child.kill('SIGKILL');
        await closed;
      }),
    );
  }

  /** Sends a signal to every process of a container: SIGSTOP freezes it. */
  signal(container: string, signal: NodeJS.Signals): void {
    for (const [child, name] of this.#running) if (name === container) child.kill(signal);
  }

  get running(): number {
    return this.#running.size;
  }

  readonly exec = async (request: ExecRequest, signal: AbortSignal): Promise<ExecSession> => {
    this.requests.push(request);
    const refusal = this.refuse?.(request);
    if (refusal) throw refusal;
    signal.throwIfAborted();
    const [name = '', ...args] = request.command;
    const program = (this.#options.programs ?? { node: process.execPath })[name];
    if (program === undefined) return absent(name);
    const { env = process.env, uid } = this.#options;
    const child = spawn(program, args, { env, ...(uid === undefined ? {} : { uid, gid: uid }) });
    this.#running.set(child, request.container);
    child.once('close', () => this.#running.delete(child));
    child.stdin.on('error', () => {});
    const ended = new Promise<ExecEnd>((resolve, reject) => {
      child.once('close', (exitCode) => resolve({ exitCode: exitCode ?? 137, message: undefined }));
      child.once('error', reject);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    ended.catch(() => {});
    const end = async () => {
      if (!this.#running.has(child)) return;
      const closed = once(child, 'close');
      child.stdin.destroy();
      if (!this.#options.outlive) await closed;
      child.stdout.destroy();
      child.stderr.destroy();
    };
    signal.addEventListener('abort', () => void end(), { once: true });
    return {
      write: (bytes) => write(child, bytes, this.#options.pieces),
      endInput: async () => void child.stdin.end(),
      stdout: child.stdout,
      stderr: child.stderr,
      ended,
      [Symbol.asyncDispose]: end,
    };
  };
}

async function write(child: ChildProcess, bytes: Buffer, pieces: readonly number[] = [bytes.length]): Promise<void> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const piece = bytes.subarray(at, at + (pieces[i % pieces.length] ?? bytes.length));
    at += piece.length;
    await new Promise<void>((resolve, reject) => {
      if (!child.stdin?.writable) reject(new Error('the session has ended'));
      else child.stdin.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
}

function absent(name: string): ExecSession {
  const message = `error executing command in container: exec: "${name}": executable file not found in $PATH: unknown`;
  return {
    write: async () => {
      throw new Error('the session has ended');
    },
    endInput: async () => {},
    stdout: nothing(),
    stderr: nothing(),
    ended: Promise.resolve({ exitCode: undefined, message }),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function* nothing(): AsyncGenerator<Buffer, void, void> {}
