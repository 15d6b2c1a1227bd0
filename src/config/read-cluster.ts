import type { ClusterConfig, ClusterCreate, PortPair } from '../project.ts';
import { kindOf } from '../lib/if-gone.ts';
import { nearestPath, type Reader } from './reader.ts';
import type { EnvironmentInput } from './schema.ts';

type ClusterInput = NonNullable<EnvironmentInput['cluster']>;
type CreateInput = NonNullable<ClusterInput['create']>;

export async function readCluster(input: ClusterInput, reader: Reader): Promise<ClusterConfig> {
  const { context, namespace = 'default', create } = input;
  if (create && context !== undefined && !/^k3d-./.test(context)) {
    const message = `a cluster that stormctl makes has a context k3d-NAME, not ${context}`;
    reader.wrong(['cluster', 'context'], message, `name the context k3d-${context}, or take out cluster.create`);
  }
  return { context, namespace, create: create && (await readCreate(create, reader)) };
}

async function readCreate(input: CreateInput, reader: Reader): Promise<ClusterCreate> {
  const { image, agents = 0, ports = [], registry, registries } = input;
  return {
    image,
    agents,
    ports: ports.map((pair, index) => readPair(pair, index, reader)),
    registryPort: registry,
    registriesFile: registries === undefined ? undefined : await readRegistries(registries, reader),
  };
}

function readPair(pair: string | number, index: number, reader: Reader): PortPair {
  const [host = 0, node = host] = String(pair).split(':').map(Number);
  if (!isPort(host) || !isPort(node)) reader.wrong(['cluster', 'create', 'ports', index], portRange);
  return { host, node };
}

async function readRegistries(text: string, reader: Reader): Promise<string> {
  const file = reader.resolve(text);
  if ((await kindOf(file)) !== 'file')
    reader.wrong(
      ['cluster', 'create', 'registries'],
      `there is no file ${reader.show(file)}`,
      await nearestPath(file, reader),
    );
  return file;
}

export const portRange = 'a port is a number from 1 to 65535';

export function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535;
}
