import type { Duplex, Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { abortError } from '../lib/abort.ts';
import { backoff, wait } from '../lib/wait.ts';
import { demux } from './demux.ts';
import type { ExecOptions, ExecResult } from './engine.ts';
import { upgrade } from './transport.ts';

/**
 * Runs a command in a running container. An abort cuts its streams; the engine has no call that kills it, so a command
 * that reads no input runs on to its end.
 */
export async function exec(
  docker: Dockerode,
  container: string,
  command: readonly string[],
  { stdin, signal }: ExecOptions,
): Promise<ExecResult> {
  // An error of the source is thrown by whoever reads it; one that comes before that must not end the process.
  stdin?.on('error', () => {});
  try {
    const created = await docker.getContainer(container).exec({
      Cmd: [...command],
      AttachStdin: stdin !== undefined,
      AttachStdout: true,
      AttachStderr: true,
      abortSignal: signal,
    });
    const output = await start(docker, created.id, stdin, signal);
    return { exitCode: await exitCodeOf(created, signal), ...output };
  } finally {
    // Who writes to it waits until it is read or closed.
    stdin?.destroy();
  }
}

/** @returns all that it prints. */
async function start(docker: Dockerode, id: string, stdin: Readable | undefined, signal: AbortSignal): Promise<Output> {
  const socket = await upgrade(docker, `/exec/${id}/start`, {}, { Detach: false, Tty: false }, signal);
  const abort = () => socket.destroy(abortError(signal));
  signal.addEventListener('abort', abort);
  try {
    signal.throwIfAborted();
    return await (stdin ? Promise.race([collect(socket), onlyIfItFails(feed(stdin, socket))]) : collect(socket));
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

type Output = Omit<ExecResult, 'exitCode'>;

/** A process that ends before it has read all of its input breaks the connection: it is judged by its exit code. */
async function collect(socket: Duplex): Promise<Output> {
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  try {
    for await (const { stream, bytes } of demux(socket)) output[stream].push(bytes);
  } catch (error) {
    if (!isBroken(error)) throw error;
  }
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
  return { stdout: text(output.stdout), stderr: text(output.stderr) };
}

function isBroken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ECONNRESET');
}

/** Copies at the pace of the process. @throws what the source fails with. */
async function feed(stdin: Readable, socket: Duplex): Promise<void> {
  for await (const chunk of stdin) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await drained(socket);
  }
  socket.end();
}

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

async function onlyIfItFails(task: Promise<void>): Promise<never> {
  await task;
  return new Promise(() => {});
}

/** The output can end a moment before the engine knows the exit code, and the engine has no call that waits for an exec. */
async function exitCodeOf(exec: Dockerode.Exec, signal: AbortSignal): Promise<number> {
  const delays = backoff(5, 250);
  for (;;) {
    const { Running, ExitCode } = await exec.inspect({ abortSignal: signal });
    if (!Running && ExitCode !== null) return ExitCode;
    await wait(delays.next(), signal);
  }
}
