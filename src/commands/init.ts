import { Flags } from '@oclif/core';
import { exitCodes } from '../errors.ts';
import { BaseCommand, type Invocation } from './base-command.ts';

export class Init extends BaseCommand<typeof Init> {
  static override summary = 'Write a commented stormctl.yaml from the Dockerfiles and manifests found here.';
  static override examples = ['<%= config.bin %> init', '<%= config.bin %> init --print'];
  static override flags = {
    print: Flags.boolean({ description: 'print it, and write nothing' }),
    force: Flags.boolean({ description: 'replace the stormctl.yaml that is there' }),
  };

  protected async execute({ terminal, cwd }: Invocation): Promise<number> {
    const { initProject } = await import('../discover/init-project.ts');
    const { print, force } = this.flags;
    const { text, file, found } = await initProject(cwd, { write: !print, force });
    if (print) terminal.raw(text);
    else terminal.result(`wrote ${file} (${found}); next: stormctl dev`, { file });
    return exitCodes.done;
  }
}
