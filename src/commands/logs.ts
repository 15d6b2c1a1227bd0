import { Flags } from '@oclif/core';
import { exitCodes } from '../errors.ts';
import type { LogLook } from '../terminal/log-lines.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';
import { logFlags, readLook } from './log-flags.ts';

const followedLines = 200;

export class Logs extends BaseCommand<typeof Logs> {
  static override summary = 'Show and follow the logs of every container of the project.';
  static override description = 'SERVICE, a service or a workload, limits whose. Nothing is written to the cluster.';
  static override examples = [
    '<%= config.bin %> logs',
    '<%= config.bin %> logs gateway postgres-user --tail -1 --no-follow',
  ];
  static override strict = false;
  static override usage = 'logs [SERVICE…] [FLAGS]';
  static override flags = {
    follow: Flags.boolean({ description: 'go on with what is written', default: true, allowNo: true }),
    tail: Flags.integer({
      description: 'how many lines of each container that is there; -1 for all',
      default: followedLines,
    }),
    ...logFlags,
  };

  protected override get streams(): boolean {
    return true;
  }

  protected override get look(): LogLook {
    return readLook(this.flags);
  }

  protected async execute(invocation: Invocation): Promise<number> {
    const { openCluster } = await import('../up/site.ts');
    const { tail } = await import('../up/tail.ts');
    const { options, terminal, signal, env } = invocation;
    const { report } = terminal;
    const project = await load(invocation);
    const { kube } = await openCluster({ project, context: options.context, env, report, signal });
    await using _ = kube;
    const tailLines = this.flags.tail < 0 ? undefined : this.flags.tail;
    await tail({
      kube,
      project,
      selection: this.words,
      follow: this.flags.follow,
      tailLines,
      mask: invocation.mask,
      knowsSecrets: false,
      report,
      drained: terminal.drained,
      signal,
    });
    return exitCodes.done;
  }
}
