import { Flags } from '@oclif/core';
import type { Restraint } from '../dev/restraints.ts';
import { runDev } from '../dev/run-dev.ts';
import { exitCodes, Failure } from '../errors.ts';
import type { Asked } from '../events.ts';
import { shiftPorts } from '../forward/shift-ports.ts';
import { Channel } from '../lib/channel.ts';
import type { Project } from '../project.ts';
import type { LogLook } from '../terminal/log-lines.ts';
import { applyFlags } from './apply-flags.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { confirmWrites } from './confirm.ts';
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
    ...applyFlags,
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
    const { terminal, env, signal } = invocation;
    // Before keys are read: a question takes whole lines.
    const first = await load(invocation, this.words);
    const confirmed = await confirmWrites(invocation, first, {
      command: 'dev',
      selection: this.words,
      forceConflicts: this.flags['force-conflicts'],
    });
    const asked = new Channel<Asked>();
    const isAttended = terminal.interact({
      stdin: process.stdin,
      onAsked: (one) => asked.push(one),
      onInterrupt: invocation.interrupt,
    });
    await runDev({
      load: async () => {
        const project = await load(invocation, this.words);
        if (project.confirm && !invocation.options.yes) refuseElsewhere(project, first);
        return shiftPorts(project, this.flags['port-offset']);
      },
      selection: this.words,
      ...confirmed,
      env,
      mask: invocation.mask,
      report: terminal.report,
      drained: terminal.drained,
      shown: terminal.shown,
      expectPod: terminal.expectPod,
      signal,
      configFiles,
      leaves: invocation.leaves,
      asked: isAttended ? asked : undefined,
      forceConflicts: this.flags['force-conflicts'],
      restraints: {
        sync: restraint(this.flags['no-sync'], this.flags['no-sync-of']),
        build: restraint(this.flags['no-build'], this.flags['no-build-of']),
        watch: !this.flags['no-watch'],
      },
    });
    return exitCodes.done;
  }
}

/** Nobody can be asked once keys are read. @throws Failure `guard` for a config that leads where nobody has said yes to. */
function refuseElsewhere(project: Project, confirmed: Project): void {
  const isSame =
    confirmed.confirm &&
    project.name === confirmed.name &&
    project.cluster.context === confirmed.cluster.context &&
    project.cluster.namespace === confirmed.cluster.namespace;
  if (isSame) return;
  throw new Failure('guard', 'the config leads now where writes are to be confirmed', {
    where: project.file,
    next: 'end this session and start another one: it asks first',
  });
}

function restraint(all: boolean, of: readonly string[] | undefined): Restraint {
  if (all) return 'all';
  return of === undefined ? 'none' : of;
}
