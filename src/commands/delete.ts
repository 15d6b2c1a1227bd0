import { Flags } from '@oclif/core';
import { exitCodes, Failure } from '../errors.ts';
import { formatId } from '../objects.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';

export class Delete extends BaseCommand<typeof Delete> {
  static override summary = 'Delete what the project applied, and wait until it is gone.';
  static override description =
    `What it applied stands in its inventory in the cluster; nothing else is touched. Volumes and namespaces \
stay unless they are asked for.`;
  static override examples = ['<%= config.bin %> delete', '<%= config.bin %> delete --volumes --namespaces'];
  static override flags = {
    volumes: Flags.boolean({ description: 'delete claims and volumes too, and the data in them' }),
    namespaces: Flags.boolean({ description: 'delete the namespaces that stormctl made too' }),
  };

  protected async execute(invocation: Invocation): Promise<number> {
    const { openCluster } = await import('../up/site.ts');
    const { deleteProject } = await import('../deploy/delete-project.ts');
    const { options, terminal, signal, env } = invocation;
    const { report } = terminal;
    const project = await load(invocation);
    const { kube } = await openCluster({ project, context: options.context, env, report, signal });
    await using _ = kube;
    const { name, cluster } = project;
    const { volumes, namespaces } = this.flags;
    const ref = { name, namespace: cluster.namespace };
    const { deleted, kept, left } = await deleteProject({ kube, ...ref, volumes, namespaces, signal, report });
    if (left.length > 0)
      throw new Failure('notReady', `could not delete ${left.map(({ id }) => formatId(id)).join(', ')}`, {
        detail: left.map(({ id, because }) => `${formatId(id)}: ${because}`).join('\n'),
        next: 'mend that, and run it again',
      });
    const text = deleted.length === 0 ? 'nothing to delete' : `deleted ${deleted.length}, kept ${kept.length}`;
    terminal.result(text, { deleted, kept });
    return exitCodes.done;
  }
}
