import type { Kube } from '../kube/kube.ts';
import { LineSplitter } from '../lib/lines.ts';
import { judgeEnd, judgeRefusal } from './channel-end.ts';
import type { SyncTarget } from './sync-target.ts';

export type CommandEnd =
  /** `output`: the last lines of both streams. */
  | { readonly kind: 'ended'; readonly exitCode: number; readonly output: readonly string[] }
  /** No such program in the container. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'unable' | 'gone'; readonly because: string };

const linesKept = 20;

/**
 * Runs a command in a container to its end, without a shell.
 *
 * @param onLine gets each line that it prints, as it comes. @throws AbortError on abort, which cuts the output; the command
 * runs on.
 */
export async function runInContainer(
  kube: Kube,
  { namespace, pod, container }: SyncTarget,
  command: readonly string[],
  signal: AbortSignal,
  onLine: (line: string) => void = () => {},
): Promise<CommandEnd> {
  const output: string[] = [];
  const take = (line: string) => {
    output.push(line);
    if (output.length > linesKept) output.shift();
    onLine(line);
  };
  try {
    await using session = await kube.exec({ namespace, pod, container, command }, signal);
    await Promise.all([readLines(session.stdout, take), readLines(session.stderr, take)]);
    const end = await session.ended;
    return end.exitCode === undefined
      ? judgeEnd(end, '', command[0] ?? '')
      : { kind: 'ended', exitCode: end.exitCode, output };
  } catch (error) {
    signal.throwIfAborted();
    return judgeRefusal(error);
  }
}

async function readLines(stream: AsyncIterable<Buffer>, take: (line: string) => void): Promise<void> {
  const splitter = new LineSplitter();
  for await (const chunk of stream) for (const { text } of splitter.push(chunk)) take(text);
  const last = splitter.end();
  if (last) take(last.text);
}
