import { Args } from '@oclif/core';
import { restartService } from '../dev/restart-service.ts';
import { exitCodes } from '../errors.ts';
import { formatId } from '../objects.ts';
import { withSecretsKnown } from '../up/learn-secrets.ts';
import { openCluster } from '../up/site.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';

export class Restart extends BaseCommand<typeof Restart> {
  static override summary = 'Restart a service, and wait until it is ready.';
  static override description =
    `SERVICE is a service or a workload. Where \`afterSync: { restart: true }\` put a supervisor, its process is started \
anew and the container stays, with all that was synced; else its pods are replaced, by the strategy of their workload.`;
  static override examples = ['<%= config.bin %> restart user-service', '<%= config.bin %> restart postgres-user'];
  static override args = { service: Args.string({ description: 'a service or a workload', required: true }) };

  protected async execute(invocation: Invocation): Promise<number> {
    const { options, terminal, mask, signal, env } = invocation;
    const { report } = terminal;
    const { service } = this.args;
    const project = await load(invocation, [], false);
    const { kube } = await openCluster({ project, context: options.context, env, report, signal });
    await using _ = kube;
    const { rolledOut, processes, isReady, ms } = await restartService({
      kube,
      project,
      service,
      report,
      signal,
    }).catch((error: unknown) => withSecretsKnown(error, { kube, project, mask, report, signal }));
    const what = [
      ...rolledOut.map(formatId),
      ...(processes > 0 ? [`the process in ${processes === 1 ? 'one container' : `${processes} containers`}`] : []),
    ];
    terminal.result(`restarted ${what.join(', ')}${isReady ? ', ready' : ''} in ${(ms / 1000).toFixed(1)} s`, {
      service,
      rolledOut,
      processes,
      ready: isReady,
      ms: Math.round(ms),
    });
    return exitCodes.done;
  }
}
