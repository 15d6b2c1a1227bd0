import { Flags } from '@oclif/core';
import { initProject } from '../discover/init-project.ts';
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
    const { print, force } = this.flags;
    const { text, file, found, unmatched } = await initProject(cwd, { write: !print, force });
    for (const dockerfile of unmatched)
      terminal.remark({
        type: 'warning',
        text: `${dockerfile}: no manifest seems to use its image, so no service builds it`,
        next: 'if one does, add a service with that `image` and `build`',
      });
    if (print) terminal.raw(text);
    else terminal.result(`wrote ${file} (${found}); next: stormctl dev`, { file, unmatched });
    return exitCodes.done;
  }
}
