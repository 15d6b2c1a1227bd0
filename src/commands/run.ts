import { Flags } from '@oclif/core';
import { exitCodes, Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { Scope } from '../lib/scope.ts';
import type { Project } from '../project.ts';
import { everyLine } from '../logs/log-choice.ts';
import type { LogLook } from '../terminal/log-lines.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';
import { formFlags, logFlags, readLook } from './log-flags.ts';
import { withProgress } from './with-progress.ts';

export class Run extends BaseCommand<typeof Run> {
  static override summary = 'Build and deploy the project once, and end when all is ready.';
  static override description = 'A second run with no change alters nothing. SERVICE limits what is built.';
  static override examples = ['<%= config.bin %> run', '<%= config.bin %> run --tail'];
  static override strict = false;
  static override usage = 'run [SERVICE…] [FLAGS]';
  static override flags = {
    tail: Flags.boolean({ description: 'stay with the logs when all is ready' }),
    ...logFlags,
    ...formFlags,
  };

  protected override get streams(): boolean {
    return this.flags.tail;
  }

  protected override get look(): LogLook {
    const look = readLook(this.flags);
    if (look.form !== 'text' && !this.flags.tail)
      throw new Failure('usage', 'without --tail there are no log lines', {
        next: 'add --tail, or leave out -o raw and --template',
      });
    return look;
  }

  protected async execute(invocation: Invocation): Promise<number> {
    const { report } = invocation.terminal;
    const project = await load(invocation);
    if (!this.flags.tail) return this.#run(invocation, project, report);
    const { SessionRecord } = await import('../up/record.ts');
    await using record = new SessionRecord(report);
    record.keep(project);
    return await this.#run(invocation, project, record.report);
  }

  async #run(invocation: Invocation, project: Project, report: Reporter): Promise<number> {
    const { bringProjectUp } = await import('../up/project-up.ts');
    const { options, terminal, mask, signal, env } = invocation;
    const startedAt = performance.now();
    await using scope = new Scope();
    const selection = this.words;
    invocation.leaves(() => [`what it had applied of ${project.name}: \`stormctl delete\` removes it`]);
    const shared = { project, selection, context: options.context, env, mask, signal, last: 'unselected' } as const;
    const up = this.flags.tail
      ? await bringProjectUp({ ...shared, report }, scope)
      : await withProgress(terminal, project, true, (progress) =>
          bringProjectUp({ ...shared, report: progress }, scope),
        );
    const ms = Math.round(performance.now() - startedAt);
    if (this.flags.tail) {
      const { tail } = await import('../up/tail.ts');
      report({
        type: 'session.ready',
        ms,
        urls: up.urls,
        onExit: 'Ctrl+C ends the logs and leaves everything running',
      });
      await tail({
        kube: up.site.kube,
        project,
        selection,
        choice: everyLine,
        mask,
        knowsSecrets: true,
        report,
        remark: terminal.remark,
        drained: terminal.drained,
        signal,
      });
      return exitCodes.done;
    }
    const images = Object.fromEntries(project.services.map(({ name }) => [name, up.loop.imageOf(name)]));
    const urls = up.urls.map(({ name, url }) => `    ${name}  ${url}`);
    terminal.result([`ready in ${(ms / 1000).toFixed(1)} s`, ...urls].join('\n'), { ms, images, urls: up.urls });
    return exitCodes.done;
  }
}
