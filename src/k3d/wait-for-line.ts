import type { Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import type { ClusterNode } from './nodes.ts';

const tailLength = 10;

/** What a node of each role prints when it takes work. */
export const upLines = { server: 'k3s is up and running', agent: 'Successfully registered node' } as const;

/**
 * Follows a container's log until a line holds `words`.
 *
 * @param since seconds; lines before it, of an earlier start, don't count.
 * @throws Failure `unreachable` with its last lines when the container stops first.
 */
export async function waitForLine(
  engine: Engine,
  { id, name }: ClusterNode,
  words: string,
  since: number,
  signal: AbortSignal,
): Promise<void> {
  const tail: string[] = [];
  for await (const line of engine.containerLogs(id, since, signal)) {
    if (line.includes(words)) return;
    tail.push(line);
    tail.splice(0, tail.length - tailLength);
  }
  throw new Failure('unreachable', `the container ${name} stopped before it was up`, {
    where: name,
    detail: tail.join('\n'),
    next: `\`docker logs ${name}\` shows all that it said, where it is still there`,
  });
}
