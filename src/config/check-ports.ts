import { formatPosition } from '../errors.ts';
import type { YamlPath } from '../lib/yaml.ts';
import type { ClusterConfig, Forward, Service } from '../project.ts';
import type { Reader } from './reader.ts';

interface Taken {
  readonly port: number;
  readonly address: string;
  readonly path: YamlPath;
}

interface Ports {
  readonly cluster: ClusterConfig;
  readonly services: readonly Service[];
  readonly forward: readonly Forward[];
}

/** Reports every local port that two entries claim. */
export function checkPorts(ports: Ports, reader: Reader): void {
  const seen: Taken[] = [];
  for (const taken of localPorts(ports)) {
    const first = seen.find((other) => other.port === taken.port && overlap(other.address, taken.address));
    if (first)
      reader.wrong(
        taken.path,
        `the local port ${taken.port} is taken by ${formatPosition(reader.at(first.path))}`,
        'give one of them another local port',
      );
    else seen.push(taken);
  }
}

function localPorts({ cluster, services, forward }: Ports): readonly Taken[] {
  const { create } = cluster;
  const created: Taken[] = (create?.ports ?? []).map(({ host }, index) => ({
    port: host,
    address: '0.0.0.0',
    path: ['cluster', 'create', 'ports', index],
  }));
  if (create?.registryPort !== undefined)
    created.push({ port: create.registryPort, address: '0.0.0.0', path: ['cluster', 'create', 'registry'] });
  const forwarded = forward.flatMap(({ local, port, address }, index): Taken[] => {
    const number = local ?? port;
    return typeof number === 'number' ? [{ port: number, address, path: ['forward', index] }] : [];
  });
  const ofServices = services.flatMap(({ name, forward }) =>
    forward.map(({ local, port }, index) => ({
      port: local ?? port,
      address: '127.0.0.1',
      path: ['services', name, 'forward', index],
    })),
  );
  return [...created, ...forwarded, ...ofServices];
}

function overlap(a: string, b: string): boolean {
  const isEvery = (address: string) => address === '0.0.0.0' || address === '::';
  return a === b || isEvery(a) || isEvery(b) || new Set([a, b, 'localhost', '127.0.0.1']).size === 2;
}
