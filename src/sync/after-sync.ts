import type { Kube } from '../kube/kube.ts';
import type { Interpreter } from '../manifests/supervisor.ts';
import type { AfterSync } from '../project.ts';
import { readTarget } from './read-target.ts';
import { type CommandEnd, runInContainer } from './run-in-container.ts';
import { restartScript, scriptCodes, signalScript } from './signal-scripts.ts';
import { formatTarget, type SyncTarget } from './sync-target.ts';
import { untilServing } from './until-serving.ts';

/** What became of `afterSync` in one container. Durations are milliseconds. */
export type AfterEnd =
  /** `readyMs`: from the request until its readiness probe passes; undefined where there is none that can be asked. */
  | { readonly kind: 'done'; readonly ms: number; readonly readyMs: number | undefined }
  | { readonly kind: 'failed'; readonly because: string; readonly output: readonly string[] }
  /** It, or the way to it, went away: whoever takes its place is another start of the program. */
  | { readonly kind: 'gone'; readonly because: string };

export interface AfterSyncRequest {
  readonly kube: Kube;
  readonly target: SyncTarget;
  readonly action: AfterSync;
  /** Gets what a command prints. */
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Does in one container what is to be done when its files are there. @throws AbortError. */
export async function runAfterSync(request: AfterSyncRequest): Promise<AfterEnd> {
  switch (request.action.kind) {
    case 'exec':
      return runCommand(request, request.action.command);
    case 'signal':
      return sendSignal(request, request.action.signal);
    case 'restart':
      return restartProcess(request);
  }
}

/**
 * Starts the supervised process of a container anew, and waits until it serves. A container that has no supervisor is a
 * failure, as is one whose process ends at once. @throws AbortError.
 */
export async function restartProcess({
  kube,
  target,
  signal,
}: Pick<AfterSyncRequest, 'kube' | 'target' | 'signal'>): Promise<AfterEnd> {
  const startedAt = performance.now();
  const read = await readTarget(kube, target, signal);
  if (read.kind === 'gone') return gone(target, read.because);
  if (!read.supervisor)
    return failed(target, 'it has no supervisor: it was not started by `dev` with `afterSync: { restart: true }`');
  const end = await runInContainer(kube, target, restartScript(read.supervisor), signal);
  if (end.kind !== 'ended' || end.exitCode !== 0) {
    const now = await readTarget(kube, target, signal);
    return now.kind === 'gone' ? gone(target, `${now.because} at the restart`) : badEnd(target, end, 'the restart');
  }
  const ms = performance.now() - startedAt;
  const served = await untilServing(kube, target, read.probe, signal);
  switch (served.kind) {
    case 'unknown':
      return { kind: 'done', ms, readyMs: undefined };
    case 'serving':
      return { kind: 'done', ms, readyMs: performance.now() - startedAt };
    case 'late':
      return failed(target, `it was restarted, and is not ready after ${served.seconds} s`);
    case 'gone':
      return gone(target, `${served.because} after the restart`);
  }
}

async function runCommand(
  { kube, target, onLine, signal }: AfterSyncRequest,
  command: readonly string[],
): Promise<AfterEnd> {
  const startedAt = performance.now();
  const end = await runInContainer(kube, target, command, signal, onLine);
  const what = command.join(' ');
  if (end.kind !== 'ended') return badEnd(target, end, what);
  if (end.exitCode === 0) return { kind: 'done', ms: performance.now() - startedAt, readyMs: undefined };
  // What it printed was told as it came, and its exit codes are its own, none of `scriptCodes`.
  return failed(target, `${what} ended with exit code ${end.exitCode}`);
}

async function sendSignal({ kube, target, signal: abort }: AfterSyncRequest, signal: string): Promise<AfterEnd> {
  const startedAt = performance.now();
  let end: CommandEnd = { kind: 'absent' };
  for (const interpreter of ways) {
    end = await runInContainer(kube, target, signalScript(interpreter, signal), abort);
    if (end.kind !== 'absent') break;
  }
  if (end.kind === 'absent') return failed(target, 'there is neither sh nor node in it to send a signal with');
  if (end.kind === 'ended' && end.exitCode === 0)
    return { kind: 'done', ms: performance.now() - startedAt, readyMs: undefined };
  return badEnd(target, end, `the signal ${signal}`);
}

const ways: readonly Interpreter[] = [
  { kind: 'sh', path: 'sh' },
  { kind: 'node', path: 'node' },
  { kind: 'node', path: '/nodejs/bin/node' },
];

function badEnd(target: SyncTarget, end: CommandEnd, what: string): AfterEnd {
  switch (end.kind) {
    case 'absent':
      return failed(target, `${what}: there is no such program in it`);
    case 'unable':
      return failed(target, `${what}: ${end.because}`);
    case 'gone':
      return gone(target, end.because);
    case 'ended':
      if (end.exitCode === scriptCodes.noProcess && end.output.length === 0)
        return failed(target, `${what}: its process was not found`);
      return failed(target, `${what} ended with exit code ${end.exitCode}`, end.output);
  }
}

function failed(target: SyncTarget, because: string, output: readonly string[] = []): AfterEnd {
  return { kind: 'failed', because: `${formatTarget(target)}: ${because}`, output };
}

function gone(target: SyncTarget, because: string): AfterEnd {
  return { kind: 'gone', because: `${formatTarget(target)}: ${because}` };
}
