import type { ContainerInfo, Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import { askHttp } from '../lib/ask-http.ts';
import { backoff, wait } from '../lib/wait.ts';
import { stringifyYaml } from '../lib/yaml.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { appLabel, clusterLabel, type ClusterNames, registryPortInside, roleLabel } from './names.ts';
import { type ClusterNode, hostOfEngine, isLoopback } from './nodes.ts';
import type { RollBack } from './roll-back.ts';

const image = 'registry:2';
/** So long a registry may take to say hello. */
const askMs = 30_000;

/** A registry that builds are pushed to from the host, and that nodes pull from under another name. */
export interface Registry {
  readonly container: string;
  /** `localhost:5000`: where the engine pushes to, and the host that image references name. */
  readonly host: string;
  /** `k3d-storm-registry:5000`: the same registry, as nodes reach it. */
  readonly hostFromNodes: string;
}

/**
 * The registry at a port of the engine's host: the container that answers there is joined to the cluster's network, else
 * one is started.
 *
 * @throws Failure `usage` when what publishes the port is no registry.
 */
export async function joinRegistry(
  engine: Engine,
  cluster: { readonly name: string; readonly names: ClusterNames },
  port: number,
  rollBack: RollBack,
  options: ClusterOptions,
): Promise<Registry> {
  const { names } = cluster;
  const { signal } = options;
  const there = await findByPort(engine, port, signal);
  if (!there) return await startRegistry(engine, cluster, port, rollBack, options);
  if (!(await answersAsRegistry(engine, port, signal)))
    throw new Failure('usage', `port ${port} is taken by the container ${there.name}, which is no registry`, {
      where: there.name,
      next: 'give another port for the registry, or stop that container',
    });
  const isMember = there.networks.includes(names.full);
  if (!isMember)
    rollBack.add(`docker network disconnect ${names.full} ${there.name}`, () =>
      engine.disconnectNetwork(names.full, there.id),
    );
  await engine.connectNetwork(names.full, there.id);
  options.report({ type: 'note', text: `registry ${there.name} at localhost:${port} is used` });
  const inside = there.ports.find((one) => one.host === port)?.container ?? registryPortInside;
  return describeRegistry(there.name, port, inside);
}

/** The value of `localRegistryHosting.v1` in kube-public/local-registry-hosting (KEP-1755). */
export function hostingOf({ host, hostFromNodes }: Registry): string {
  return stringifyYaml({ host, hostFromContainerRuntime: hostFromNodes });
}

/** @returns the running container that publishes the port. */
export async function findByPort(
  engine: Engine,
  port: number,
  signal: AbortSignal,
): Promise<ContainerInfo | undefined> {
  return (await engine.containers({}, signal)).find(({ ports }) => ports.some((one) => one.host === port));
}

/** Pulls an image that the engine does not have. */
export async function ensureImage(
  engine: Engine,
  reference: string,
  { report, signal }: ClusterOptions,
): Promise<void> {
  if (await engine.inspectImage(reference, signal)) return;
  report({ type: 'note', text: `pulling ${reference}` });
  await engine.pull(reference, signal);
}

async function startRegistry(
  engine: Engine,
  { name, names }: { readonly name: string; readonly names: ClusterNames },
  port: number,
  rollBack: RollBack,
  options: ClusterOptions,
): Promise<Registry> {
  const { signal } = options;
  await ensureImage(engine, image, options);
  signal.throwIfAborted();
  const id = await engine.createContainer({
    name: names.registry,
    image,
    labels: { ...appLabel, [clusterLabel]: name, [roleLabel]: 'registry' },
    network: names.full,
    ports: [{ container: registryPortInside, host: port, address: '127.0.0.1' }],
    restart: 'unless-stopped',
  });
  rollBack.add(`docker rm -fv ${names.registry}`, () => engine.removeContainer(id));
  await engine.startContainer(id);
  await waitForAnswer(engine, { id, name: names.registry }, port, signal);
  options.report({ type: 'note', text: `registry ${names.registry} answers at localhost:${port}` });
  return describeRegistry(names.registry, port, registryPortInside);
}

function describeRegistry(container: string, port: number, inside: number): Registry {
  return { container, host: `localhost:${port}`, hostFromNodes: `${container}:${inside}` };
}

async function waitForAnswer(
  engine: Engine,
  { id, name }: ClusterNode,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const delays = backoff(20, 500);
  while (!(await answersAsRegistry(engine, port, signal))) {
    const found = (await engine.containers(appLabel, signal)).find((one) => one.id === id);
    if (found?.state !== 'running')
      throw new Failure('unreachable', `the registry ${name} stopped before it answered`, {
        where: name,
        next: `does \`docker run --rm -p ${port}:${registryPortInside} ${image}\` work?`,
      });
    await wait(delays.next(), signal);
  }
}

/**
 * https://distribution.github.io/distribution/spec/api/#api-version-check: 401 is a registry that wants a login. Where the
 * engine is on another host its registry is as a rule published only there, so it can't be asked.
 */
async function answersAsRegistry(engine: Engine, port: number, signal: AbortSignal): Promise<boolean> {
  const host = hostOfEngine(engine);
  if (!isLoopback(host)) return true;
  try {
    const { status } = await askHttp(`http://${host}:${port}/v2/`, { method: 'GET', ms: askMs, signal });
    return status === 200 || status === 401;
  } catch (error) {
    if (signal.aborted) throw error;
    return false;
  }
}
