import { randomBytes } from 'node:crypto';
import type { CreateContainer, Engine, PublishedPort } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { sideBySide } from '../lib/side-by-side.ts';
import type { PortPair } from '../project.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { freePort, refuseHostPort } from './host-port.ts';
import { entryOf, type KubeconfigEntry, kubeconfigInNode } from './kubeconfig.ts';
import {
  apiPortInNode,
  appLabel,
  clusterLabel,
  type ClusterNames,
  externalNetworkLabel,
  namesOf,
  networkLabel,
  roleLabel,
} from './names.ts';
import { type ClusterNode, findCluster, hostOfEngine, isLoopback } from './nodes.ts';
import { readRegistriesFile, registriesPath, registriesYaml } from './registries-yaml.ts';
import { ensureImage, findByPort, hostingOf, joinRegistry, type Registry } from './registry.ts';
import { RollBack } from './roll-back.ts';
import { startNode } from './start-node.ts';

export interface ClusterSpec {
  readonly name: string;
  /** Of the nodes: a k3s. */
  readonly image: string;
  readonly agents: number;
  /** Published on all addresses, as k3d does. */
  readonly ports: readonly PortPair[];
  readonly registryPort: number | undefined;
  readonly registriesFile: string | undefined;
  /** Where the API server is published; a free one where it is not given. */
  readonly apiPort?: number | undefined;
}

export interface CreatedCluster {
  readonly name: string;
  /** For `addToKubeconfig`; `kubeconfig.name` is the context. */
  readonly kubeconfig: KubeconfigEntry;
  readonly server: string;
  /** `hosting` is the value of `localRegistryHosting.v1` in kube-public/local-registry-hosting. */
  readonly registry: (Registry & { readonly hosting: string }) | undefined;
}

/** What every node needs to know. */
interface Plan {
  readonly engine: Engine;
  readonly spec: ClusterSpec;
  readonly names: ClusterNames;
  readonly token: string;
  readonly api: PublishedPort;
  readonly registries: Buffer | undefined;
  readonly rollBack: RollBack;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * Makes a cluster whose nodes are containers, as k3d would have made it, and waits until its nodes say that they are up:
 * the API server may then still need a moment for /readyz.
 *
 * @throws Failure `usage` when the name or a port is taken, else with what the engine or the node said. Whatever fails,
 * an abort too, what was made until then is removed again, in reverse order and nothing else.
 */
export async function createCluster(
  engine: Engine,
  spec: ClusterSpec,
  { report, signal }: ClusterOptions,
): Promise<CreatedCluster> {
  const names = namesOf(spec.name);
  await refuseTaken(engine, spec, signal);
  const file = spec.registriesFile;
  const given = file === undefined ? undefined : { file, text: await readRegistriesFile(file) };
  await ensureImage(engine, spec.image, { report, signal });
  const rollBack = new RollBack();
  try {
    const registry = await makeSurroundings(engine, spec, names, rollBack, { report, signal });
    const text = registriesYaml(given, registry);
    const registries = text === undefined ? undefined : Buffer.from(text);
    const api = { container: apiPortInNode, host: spec.apiPort ?? (await freePort()), address: apiAddress(engine) };
    const token = randomBytes(24).toString('hex');
    const server = await startNodes({ engine, spec, names, token, api, registries, rollBack, report, signal });
    const url = `https://${hostOfEngine(engine)}:${api.host}`;
    const kubeconfig = await engine.readFile(server.id, kubeconfigInNode, signal);
    return {
      name: spec.name,
      kubeconfig: entryOf(kubeconfig.toString('utf8'), names, url),
      server: url,
      registry: registry && { ...registry, hosting: hostingOf(registry) },
    };
  } catch (error) {
    await rollBack.run(report);
    throw error;
  }
}

async function refuseTaken(
  engine: Engine,
  { name, ports, registryPort }: ClusterSpec,
  signal: AbortSignal,
): Promise<void> {
  if (await findCluster(engine, name, signal))
    throw new Failure('usage', `there is a cluster ${name} already`, {
      next: `delete it first: \`stormctl cluster delete ${name}\``,
    });
  const hosts = [...ports.map(({ host }) => host), ...(registryPort === undefined ? [] : [registryPort])];
  const twice = hosts.find((host, index) => hosts.indexOf(host) !== index);
  if (twice !== undefined)
    throw new Failure('usage', `port ${twice} is asked for twice`, { next: 'give each its own' });
  for (const { host } of ports) {
    const holder = await findByPort(engine, host, signal);
    if (holder)
      throw new Failure('usage', `port ${host} is taken by the container ${holder.name}`, {
        where: holder.name,
        next: 'give another host port, or stop that container',
      });
    await refuseHostPort(engine, host, '0.0.0.0');
  }
  if (registryPort !== undefined && !(await findByPort(engine, registryPort, signal)))
    await refuseHostPort(engine, registryPort, '127.0.0.1');
}

/**
 * The network, the image volume, the registry. Short calls that make something take no signal: one that is cut might have
 * made it without our knowing.
 */
async function makeSurroundings(
  engine: Engine,
  { name, registryPort }: ClusterSpec,
  names: ClusterNames,
  rollBack: RollBack,
  options: ClusterOptions,
): Promise<Registry | undefined> {
  options.signal.throwIfAborted();
  if (await engine.ensureNetwork(names.full, appLabel))
    rollBack.add(`docker network rm ${names.full}`, () => engine.removeNetwork(names.full));
  if (await engine.ensureVolume(names.volume, { ...appLabel, [clusterLabel]: name }))
    rollBack.add(`docker volume rm ${names.volume}`, () => engine.removeVolume(names.volume));
  options.report({ type: 'note', text: `network ${names.full} is there` });
  if (registryPort === undefined) return undefined;
  return await joinRegistry(engine, { name, names }, registryPort, rollBack, options);
}

/** The server, then the agents side by side. @returns the server. */
async function startNodes(plan: Plan): Promise<ClusterNode> {
  const { engine, names, spec, report, signal } = plan;
  const server = await createNode(plan, serverOf(plan));
  await startNode(engine, server, 'server', 0, { report, signal });
  const agents: ClusterNode[] = [];
  for (let index = 0; index < spec.agents; index++)
    agents.push(await createNode(plan, agentOf(plan, names.agent(index))));
  await sideBySide(agents, signal, (agent, either) => startNode(engine, agent, 'agent', 0, { report, signal: either }));
  return server;
}

async function createNode(
  { engine, registries, rollBack, signal }: Plan,
  request: CreateContainer,
): Promise<ClusterNode> {
  signal.throwIfAborted();
  const id = await engine.createContainer(request);
  rollBack.add(`docker rm -fv ${request.name}`, () => engine.removeContainer(id));
  if (registries) await engine.writeFile(id, registriesPath, registries);
  return { id, name: request.name };
}

function serverOf(plan: Plan): CreateContainer {
  const { engine, names, spec, api } = plan;
  const ports = spec.ports.map(({ host, node }) => ({ container: node, host, address: '0.0.0.0' }));
  return {
    ...nodeOf(plan, names.server, 'server'),
    command: ['server', '--tls-san', '0.0.0.0', '--tls-san', hostOfEngine(engine)],
    env: [`K3S_TOKEN=${plan.token}`, `K3S_KUBECONFIG_OUTPUT=${kubeconfigInNode}`],
    ports: [{ ...api }, ...ports],
  };
}

function agentOf(plan: Plan, name: string): CreateContainer {
  const url = `https://${plan.names.server}:${apiPortInNode}`;
  return { ...nodeOf(plan, name, 'agent'), command: ['agent'], env: [`K3S_TOKEN=${plan.token}`, `K3S_URL=${url}`] };
}

/**
 * No `init`: k3s has to be process 1 itself to empty the root cgroup on a cgroup v2 host. (k3d runs its own script for
 * that, before an init.)
 */
function nodeOf({ engine, spec, names, token, api }: Plan, name: string, role: 'server' | 'agent') {
  return {
    name,
    image: spec.image,
    network: names.full,
    privileged: true,
    tmpfs: ['/run', '/var/run'],
    binds: [`${names.volume}:/k3d/images`],
    restart: 'unless-stopped' as const,
    labels: {
      ...appLabel,
      [clusterLabel]: spec.name,
      [roleLabel]: role,
      [networkLabel]: names.full,
      [externalNetworkLabel]: 'false',
      'k3d.cluster.imageVolume': names.volume,
      'k3d.cluster.token': token,
      'k3d.cluster.url': `https://${names.server}:${apiPortInNode}`,
      'k3d.server.api.host': hostOfEngine(engine),
      'k3d.server.api.hostIP': api.address,
      'k3d.server.api.port': String(api.host),
    },
  };
}

/** An engine on another host has to publish the API server where that host can be reached from here. */
function apiAddress(engine: Engine): string {
  return isLoopback(hostOfEngine(engine)) ? '127.0.0.1' : '0.0.0.0';
}
