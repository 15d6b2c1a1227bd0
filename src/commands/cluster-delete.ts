import { Args } from '@oclif/core';
import { exitCodes } from '../errors.ts';
import { deleteNamedCluster } from '../up/named-cluster.ts';
import { BaseCommand, type Invocation } from './base-command.ts';

export class ClusterDelete extends BaseCommand<typeof ClusterDelete> {
  static override summary = 'Delete a cluster that `cluster create` or k3d made, and its kubeconfig entries.';
  static override examples = ['<%= config.bin %> cluster delete storm'];
  static override args = { name: Args.string({ required: true, description: 'of the cluster, without k3d-' }) };

  protected async execute({ terminal, signal, env }: Invocation): Promise<number> {
    const found = await deleteNamedCluster(this.args.name, { env, report: terminal.report, signal });
    terminal.result(found ? `deleted the cluster ${this.args.name}` : `there is no cluster ${this.args.name}`, {
      deleted: found,
    });
    return exitCodes.done;
  }
}
