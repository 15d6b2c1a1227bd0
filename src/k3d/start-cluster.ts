import type { ContainerInfo, Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import { sideBySide } from '../lib/side-by-side.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { roleLabel } from './names.ts';
import { findCluster } from './nodes.ts';
import { startNode } from './start-node.ts';

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
  for (const server of cluster.servers) await startAgain(engine, server, 'server', options);
  await sideBySide(cluster.agents, signal, (agent, either) =>
    startAgain(engine, agent, 'agent', { ...options, signal: either }),
  );
  for (const other of others) await engine.startContainer(other.id, signal);
}

/** Its log still has the lines of the start before. */
async function startAgain(
  engine: Engine,
  node: ContainerInfo,
  role: 'server' | 'agent',
  options: ClusterOptions,
): Promise<void> {
  if (node.state === 'running') return;
  await startNode(engine, node, role, Math.floor(Date.now() / 1000), options);
}
