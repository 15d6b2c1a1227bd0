import type { Engine } from '../engine/engine.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { elapsed } from './elapsed.ts';
import type { ClusterNode } from './nodes.ts';
import { upLines, waitForLine } from './wait-for-line.ts';

/**
 * Starts a node's container and waits until the node says that it is up.
 *
 * @param since seconds; what it said before, at an earlier start, does not count.
 * @throws Failure `unreachable` with its last lines when it stops first.
 */
export async function startNode(
  engine: Engine,
  node: ClusterNode,
  role: keyof typeof upLines,
  since: number,
  { report, signal }: ClusterOptions,
): Promise<void> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  await engine.startContainer(node.id);
  report({ type: 'note', text: `node ${node.name} has started; waiting until it is up` });
  await waitForLine(engine, node, upLines[role], since, signal);
  report({ type: 'note', text: `node ${node.name} is up after ${elapsed(startedAt)}` });
}
