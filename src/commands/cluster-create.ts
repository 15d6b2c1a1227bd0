import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { exitCodes, Failure } from '../errors.ts';
import type { PortPair } from '../project.ts';
import { createNamedCluster } from '../up/named-cluster.ts';
import { BaseCommand, type Invocation } from './base-command.ts';

export class ClusterCreate extends BaseCommand<typeof ClusterCreate> {
  static override summary = 'Make a k3d-compatible cluster, with a registry that it pulls from.';
  static override description =
    `Through the Docker engine alone; k3d's own commands work on it too. The kubeconfig gets its context k3d-NAME, and \
keeps its current one.`;
  static override examples = ['<%= config.bin %> cluster create storm --port 30080:30080'];
  static override args = {
    name: Args.string({ required: true, description: 'the cluster is k3d-NAME in the kubeconfig' }),
  };
  static override flags = {
    image: Flags.string({ description: 'of the nodes (default: STORMCTL_K3S_IMAGE, else a k3s)' }),
    agents: Flags.integer({ description: 'nodes besides the server', default: 0, min: 0, max: 16 }),
    port: Flags.string({
      description: 'HOST:NODE, published by the server; may be repeated',
      multiple: true,
      default: [],
    }),
    registry: Flags.integer({
      description: 'the port of a registry on localhost; one that answers there is used',
      default: 5000,
    }),
    'no-registry': Flags.boolean({ description: 'make and join no registry' }),
    registries: Flags.string({ description: 'a k3s registries.yaml (default: STORMCTL_K3S_REGISTRIES)' }),
  };

  protected async execute({ terminal, signal, env, cwd, leaves }: Invocation): Promise<number> {
    const { image, agents, port, registry, registries } = this.flags;
    const { name } = this.args;
    const cluster = {
      name,
      image,
      agents,
      ports: port.map(parsePorts),
      registryPort: this.flags['no-registry'] ? undefined : registry,
      registriesFile: registries === undefined ? undefined : resolve(cwd, registries),
    };
    let left = [`what was made of the cluster ${name}: \`stormctl cluster delete ${name}\` removes it`];
    leaves(() => left);
    try {
      const context = await createNamedCluster(cluster, { env, report: terminal.report, signal });
      terminal.result(`the cluster is there: kubectl --context ${context} get nodes`, { context });
    } finally {
      // It is there, or what was made of it has been removed.
      left = [];
    }
    return exitCodes.done;
  }
}

function parsePorts(text: string): PortPair {
  const match = /^(\d{1,5}):(\d{1,5})$/.exec(text);
  const [host, node] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || [host, node].some((port) => port < 1 || port > 65_535))
    throw new Failure('usage', `--port ${text} is no pair of ports`, { next: 'write it as HOST:NODE, 30080:30080' });
  return { host, node };
}
