import { exitCodes } from '../errors.ts';
import { Scope } from '../lib/scope.ts';
import { bringProjectUp } from '../up/project-up.ts';
import { applyFlags, pruneFlags } from './apply-flags.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { confirmWrites } from './confirm.ts';
import { load } from './load.ts';
import { WhatWasDone } from './what-was-done.ts';
import { withProgress } from './with-progress.ts';

export class Deploy extends BaseCommand<typeof Deploy> {
  static override summary = 'Apply the manifests with the images as they were last built, and wait until all is ready.';
  static override description = 'A service that was never built is built.';
  static override examples = ['<%= config.bin %> deploy'];

  static override flags = { ...applyFlags, ...pruneFlags };

  protected async execute(invocation: Invocation): Promise<number> {
    const { terminal, mask, signal, env } = invocation;
    const { volumes, namespaces, crds } = this.flags;
    const prunes = { volumes, namespaces, crds };
    await using scope = new Scope();
    const project = await load(invocation);
    const confirmed = await confirmWrites(invocation, project, {
      command: 'deploy',
      selection: [],
      prunes,
      forceConflicts: this.flags['force-conflicts'],
    });
    const done = new WhatWasDone(project.name);
    invocation.leaves(() => done.left());
    invocation.tells(() => done.facts());
    const up = await withProgress(terminal, project, true, (report) =>
      bringProjectUp(
        {
          project,
          selection: [],
          ...confirmed,
          env,
          mask,
          report: done.listen(report),
          signal,
          command: 'deploy',
          last: 'all',
          forceConflicts: this.flags['force-conflicts'],
          prunes,
        },
        scope,
      ),
    );
    const images = Object.fromEntries(project.services.map(({ name }) => [name, up.loop.imageOf(name)]));
    terminal.result('deployed', { images, urls: up.urls, ...done.facts() });
    return exitCodes.done;
  }
}
