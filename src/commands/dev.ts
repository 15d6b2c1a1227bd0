import { Flags } from '@oclif/core';
import { exitCodes } from '../errors.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { configFiles, load } from './load.ts';

export class Dev extends BaseCommand<typeof Dev> {
  static override summary = 'Build, deploy, forward and log the project, and keep it equal to the tree until Ctrl+C.';
  static override description =
    `A save that a sync rule covers is copied into the running containers; any other file that a Dockerfile can
reach rebuilds its service; a manifest redeploys what it changes. SERVICE, a service or a workload, limits what is built,
watched, synced, forwarded and tailed; everything is deployed.`;
  static override examples = ['<%= config.bin %> dev', '<%= config.bin %> dev user-service'];
  static override strict = false;
  static override usage = 'dev [SERVICE…] [FLAGS]';
  static override flags = { timestamps: Flags.boolean({ description: 'show when each log line was written' }) };

  protected override get streams(): boolean {
    return true;
  }

  protected async execute(invocation: Invocation): Promise<number> {
    const { runDev } = await import('../dev/session.ts');
    const { terminal, options, env, signal } = invocation;
    await runDev({
      load: () => load(invocation),
      selection: this.words,
      context: options.context,
      env,
      report: terminal.report,
      signal,
      configFiles,
      leaves: invocation.leaves,
    });
    return exitCodes.done;
  }
}
