import { spawn } from 'node:child_process';

export interface ProcessResult {
  /** undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to its standard input, which is then closed: the way for values that must not stand in argv. */
  readonly input?: string | Buffer;
  readonly signal?: AbortSignal;
}

/**
 * Runs a program without a shell and collects what it prints.
 *
 * @returns however it ended; a non-zero exit is a result, not an error.
 * @throws the spawn error (`code: 'ENOENT'` when there is no such program), or AbortError once it was killed by `signal`.
 */
export function run(command: string, args: readonly string[], options: ProcessOptions = {}): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      signal: options.signal,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A program that ends without reading its input closes the pipe: its exit says more than our EPIPE.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
    child.on('error', reject);
    child.on('close', (exitCode, signal) =>
      resolve({
        exitCode: exitCode ?? undefined,
        signal: signal ?? undefined,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }),
    );
  });
}
