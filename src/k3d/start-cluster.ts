import type { ContainerInfo, Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { elapsed } from './elapsed.ts';
import { roleLabel } from './names.ts';
import { findCluster } from './nodes.ts';
import { upLines, waitForLine } from './wait-for-line.ts';

/**
 * Starts what is stopped of a cluster (its registry, servers, agents, then the rest) and waits until the nodes say that
 * they are up. Nothing happens to what runs.
 *
 * @throws Failure `usage` when there is no such cluster.
 */
export async function startCluster(engine: Engine, name: string, options: ClusterOptions): Promise<void> {
  const { signal } = options;
  const cluster = await findCluster(engine, name, signal);
  if (!cluster)
    throw new Failure('usage', `there is no cluster ${name}`, { next: `make it: \`stormctl cluster create ${name}\`` });
  const registries = cluster.others.filter((one) => one.labels[roleLabel] === 'registry');
  const others = cluster.others.filter((one) => !registries.includes(one));
  for (const registry of registries) await engine.startContainer(registry.id, signal);
  for (const server of cluster.servers) await startNode(engine, server, upLines.server, options);
  await Promise.all(cluster.agents.map((agent) => startNode(engine, agent, upLines.agent, options)));
  for (const other of others) await engine.startContainer(other.id, signal);
}

async function startNode(
  engine: Engine,
  node: ContainerInfo,
  line: string,
  { report, signal }: ClusterOptions,
): Promise<void> {
  if (node.state === 'running') return;
  // The log still has the line of the start before.
  const since = Math.floor(Date.now() / 1000);
  const startedAt = performance.now();
  await engine.startContainer(node.id, signal);
  report({ type: 'note', text: `node ${node.name} has started; waiting until it is up` });
  await waitForLine(engine, node, line, since, signal);
  report({ type: 'note', text: `node ${node.name} is up after ${elapsed(startedAt)}` });
}
