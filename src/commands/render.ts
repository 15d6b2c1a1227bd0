import { Flags } from '@oclif/core';
import { exitCodes } from '../errors.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';

export class Render extends BaseCommand<typeof Render> {
  static override summary = 'Print the objects that would be applied, as YAML.';
  static override description =
    `With the labels that mark them as the project's, and with the images as the manifests name them: which one a build \
gives is known once it ran. On a terminal the values of Secrets are masked.`;
  static override examples = ['<%= config.bin %> render', '<%= config.bin %> render -e staging > staging.yaml'];
  static override flags = {
    'show-secrets': Flags.boolean({ description: 'do not mask the values of Secrets on a terminal' }),
  };

  protected async execute(invocation: Invocation): Promise<number> {
    const { renderProject } = await import('../up/render-project.ts');
    const { options, terminal, mask, signal, env } = invocation;
    const { report } = terminal;
    const project = await load(invocation);
    const isMasked = process.stdout.isTTY && !this.flags['show-secrets'];
    const up = { project, selection: [], context: options.context, env, mask, report, signal };
    terminal.raw(await renderProject(up, isMasked));
    return exitCodes.done;
  }
}
