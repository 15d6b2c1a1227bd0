import { exitCodes } from '../errors.ts';
import { buildProject } from '../up/build-project.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';
import { withProgress } from './with-progress.ts';

export class Build extends BaseCommand<typeof Build> {
  static override summary = 'Build the images of the project, or of SERVICE, and ship nothing.';
  static override examples = ['<%= config.bin %> build', '<%= config.bin %> build gateway'];
  static override strict = false;
  static override usage = 'build [SERVICE…] [FLAGS]';

  protected async execute(invocation: Invocation): Promise<number> {
    const { options, terminal, mask, signal, env } = invocation;
    const project = await load(invocation);
    const images = await withProgress(terminal, project, false, (report) =>
      buildProject({ project, selection: this.words, context: options.context, env, mask, report, signal }),
    );
    const lines = Object.entries(images).map(([service, id]) => `${service} ${id}`);
    terminal.result(lines.join('\n'), { images });
    return exitCodes.done;
  }
}
