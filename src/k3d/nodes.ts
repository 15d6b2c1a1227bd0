import type { ContainerInfo, Engine } from '../engine/engine.ts';
import { apiPortInNode, appLabel, clusterLabel, roleLabel } from './names.ts';

/** A container that is a Kubernetes node. */
export interface ClusterNode {
  readonly id: string;
  readonly name: string;
}

export interface Cluster {
  readonly name: string;
  readonly servers: readonly ContainerInfo[];
  readonly agents: readonly ContainerInfo[];
  /** Load balancer, registry and whatever else k3d labelled as the cluster's. */
  readonly others: readonly ContainerInfo[];
  /** Whether every server and agent runs. */
  readonly running: boolean;
}

/** @returns undefined when the engine has no container of that cluster. */
export async function findCluster(engine: Engine, name: string, signal?: AbortSignal): Promise<Cluster | undefined> {
  const containers = await engine.containers({ ...appLabel, [clusterLabel]: name }, signal);
  if (containers.length === 0) return undefined;
  const servers = containers.filter((one) => one.labels[roleLabel] === 'server');
  const agents = containers.filter((one) => one.labels[roleLabel] === 'agent');
  const others = containers.filter((one) => !isNode(one));
  const running = servers.length > 0 && [...servers, ...agents].every(({ state }) => state === 'running');
  return { name, servers, agents, others, running };
}

/**
 * The running nodes of the cluster whose API server, or the load balancer before it, is published at `server`.
 *
 * @param server an URL, as a kubeconfig has it.
 * @returns none when that is no cluster of this engine.
 */
export async function nodesOfServer(
  engine: Engine,
  server: string,
  signal?: AbortSignal,
): Promise<readonly ClusterNode[]> {
  const url = new URL(server);
  const port = Number(url.port || 443);
  if (!isHostOf(engine, url.hostname)) return [];
  const containers = await engine.containers(appLabel, signal);
  const door = containers.find(({ ports }) =>
    ports.some((one) => one.host === port && one.container === apiPortInNode),
  );
  const cluster = door?.labels[clusterLabel];
  if (cluster === undefined) return [];
  return containers
    .filter((one) => isNode(one) && one.labels[clusterLabel] === cluster && one.state === 'running')
    .map(({ id, name }) => ({ id, name }));
}

/** @returns the host under which ports that the engine publishes are reached from here. */
export function hostOfEngine(engine: Engine): string {
  return engine.endpoint.startsWith('tcp://') ? new URL(engine.endpoint).hostname : '127.0.0.1';
}

export function isLoopback(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|localhost|0\.0\.0\.0|\[::1?\])$/.test(host);
}

function isHostOf(engine: Engine, host: string): boolean {
  return isLoopback(host) || host === 'host.docker.internal' || host === hostOfEngine(engine);
}

function isNode({ labels }: ContainerInfo): boolean {
  return labels[roleLabel] === 'server' || labels[roleLabel] === 'agent';
}
