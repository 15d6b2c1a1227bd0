import { Flags } from '@oclif/core';
import type { Restraint } from '../dev/restraints.ts';
import { exitCodes } from '../errors.ts';
import type { Asked } from '../events.ts';
import { Channel } from '../lib/channel.ts';
import type { LogLook } from '../terminal/log-lines.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { configFiles, load } from './load.ts';
import { portOffset } from './port-offset.ts';
import { logFlags, readLook } from './log-flags.ts';

export class Dev extends BaseCommand<typeof Dev> {
  static override summary = 'Build, deploy, forward and log the project, and keep it equal to the tree until Ctrl+C.';
  static override description =
    `A save that a sync rule covers is copied into the running containers; any other file that a Dockerfile can \
reach rebuilds its service; a manifest redeploys what it changes. SERVICE, a service or a workload, limits what is built, \
watched, synced, forwarded and tailed; everything is deployed.

On a terminal a status line stands below the logs, and keys are read: ? lists them.`;
  static override examples = [
    '<%= config.bin %> dev',
    '<%= config.bin %> dev user-service',
    '<%= config.bin %> dev --no-build-of gateway',
  ];
  static override strict = false;
  static override usage = 'dev [SERVICE…] [FLAGS]';
  static override flags = {
    ...logFlags,
    'no-sync': Flags.boolean({ description: 'rebuild for files that would be synced' }),
    'no-sync-of': Flags.string({
      description: 'the same for one service',
      helpValue: 'SERVICE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'no-build': Flags.boolean({
      description: 'after the first build only sync; what needs a build waits for the key r',
    }),
    'no-build-of': Flags.string({
      description: 'the same for one service',
      helpValue: 'SERVICE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'port-offset': portOffset,
    'no-watch': Flags.boolean({ description: 'deploy, forward and log, and let saves do nothing' }),
  };

  protected override get streams(): boolean {
    return true;
  }

  protected override get look(): LogLook {
    return readLook(this.flags);
  }

  protected async execute(invocation: Invocation): Promise<number> {
    const { runDev } = await import('../dev/session.ts');
    const { shiftPorts } = await import('../forward/shift-ports.ts');
    const { terminal, options, env, signal } = invocation;
    const asked = new Channel<Asked>();
    const isAttended = terminal.interact({
      stdin: process.stdin,
      onAsked: (one) => asked.push(one),
      onInterrupt: invocation.interrupt,
    });
    await runDev({
      load: async () => shiftPorts(await load(invocation), this.flags['port-offset']),
      selection: this.words,
      context: options.context,
      env,
      mask: invocation.mask,
      report: terminal.report,
      drained: terminal.drained,
      signal,
      configFiles,
      leaves: invocation.leaves,
      asked: isAttended ? asked : undefined,
      restraints: {
        sync: restraint(this.flags['no-sync'], this.flags['no-sync-of']),
        build: restraint(this.flags['no-build'], this.flags['no-build-of']),
        watch: !this.flags['no-watch'],
      },
    });
    return exitCodes.done;
  }
}

function restraint(all: boolean, of: readonly string[] | undefined): Restraint {
  if (all) return 'all';
  return of === undefined ? 'none' : of;
}
