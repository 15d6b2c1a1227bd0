import { exitCodes } from '../errors.ts';
import { Scope } from '../lib/scope.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';
import { withProgress } from './with-progress.ts';

export class Deploy extends BaseCommand<typeof Deploy> {
  static override summary = 'Apply the manifests with the images as they were last built, and wait until all is ready.';
  static override description = 'A service that was never built is built.';
  static override examples = ['<%= config.bin %> deploy'];

  protected async execute(invocation: Invocation): Promise<number> {
    const { bringProjectUp } = await import('../up/project-up.ts');
    const { options, terminal, mask, signal, env } = invocation;
    await using scope = new Scope();
    const project = await load(invocation);
    invocation.leaves(() => [`what it had applied of ${project.name}: \`stormctl delete\` removes it`]);
    const up = await withProgress(terminal, project, true, (report) =>
      bringProjectUp(
        { project, selection: [], context: options.context, env, mask, report, signal, last: 'all' },
        scope,
      ),
    );
    const images = Object.fromEntries(project.services.map(({ name }) => [name, up.loop.imageOf(name)]));
    terminal.result('deployed', { images, urls: up.urls });
    return exitCodes.done;
  }
}
