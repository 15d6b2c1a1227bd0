import { Flags } from '@oclif/core';
import type { Asked } from '../deploy/protected.ts';
import { exitCodes, Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { Scope } from '../lib/scope.ts';
import type { Project } from '../project.ts';
import { everyLine, limitsOfRun } from '../logs/log-choice.ts';
import type { LogLook } from '../terminal/log-lines.ts';
import { bringProjectUp } from '../up/project-up.ts';
import { SessionRecord } from '../up/record.ts';
import { tail } from '../up/tail.ts';
import { applyFlags, pruneFlags } from './apply-flags.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { type Confirmed, confirmWrites } from './confirm.ts';
import { load } from './load.ts';
import { formFlags, logFlags, readLook } from './log-flags.ts';
import { WhatWasDone } from './what-was-done.ts';
import { withProgress } from './with-progress.ts';

export class Run extends BaseCommand<typeof Run> {
  static override summary = 'Build and deploy the project once, and end when all is ready.';
  static override description = 'A second run with no change alters nothing. SERVICE limits what is built.';
  static override examples = ['<%= config.bin %> run', '<%= config.bin %> run --tail'];
  static override strict = false;
  static override usage = 'run [SERVICE…] [FLAGS]';
  static override flags = {
    tail: Flags.boolean({ description: 'stay with the logs of this run when all is ready' }),
    ...applyFlags,
    ...pruneFlags,
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
    const project = await load(invocation, this.words);
    const confirmed = await confirmWrites(invocation, project, {
      command: 'run',
      selection: this.words,
      prunes: this.#prunes,
      forceConflicts: this.flags['force-conflicts'],
    });
    if (!this.flags.tail) return this.#run(invocation, project, report, confirmed);
    await using record = new SessionRecord(report);
    record.keep(project);
    return await this.#run(invocation, project, record.report, confirmed);
  }

  get #prunes(): Asked {
    const { volumes, namespaces, crds } = this.flags;
    return { volumes, namespaces, crds };
  }

  async #run(invocation: Invocation, project: Project, report: Reporter, confirmed: Confirmed): Promise<number> {
    const { terminal, mask, signal, env } = invocation;
    const startedAt = performance.now();
    await using scope = new Scope();
    const selection = this.words;
    const done = new WhatWasDone(project.name);
    invocation.leaves(() => done.left());
    const forceConflicts = this.flags['force-conflicts'];
    const asked = { command: 'run', last: 'unselected', forceConflicts, prunes: this.#prunes } as const;
    const shared = { project, selection, ...confirmed, env, mask, signal, ...asked };
    if (!this.flags.tail) invocation.tells(() => done.facts());
    const up = this.flags.tail
      ? await bringProjectUp({ ...shared, report: done.listen(report) }, scope)
      : await withProgress(terminal, project, true, (progress) =>
          bringProjectUp({ ...shared, report: done.listen(progress) }, scope),
        );
    const ms = Math.round(performance.now() - startedAt);
    if (this.flags.tail) {
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
        // What ran before is not asked for all that it ever printed.
        choice: { ...everyLine, start: limitsOfRun(ms, Date.now()) },
        mask,
        rendered: undefined,
        report,
        remark: terminal.remark,
        drained: terminal.drained,
        shown: terminal.shown,
        expectPod: terminal.expectPod,
        signal,
      });
      return exitCodes.done;
    }
    const images = Object.fromEntries(project.services.map(({ name }) => [name, up.loop.imageOf(name)]));
    const urls = up.urls.map(({ name, url }) => `    ${name}  ${url}`);
    terminal.result([`ready in ${(ms / 1000).toFixed(1)} s`, ...urls].join('\n'), {
      ms,
      images,
      urls: up.urls,
      ...done.facts(),
    });
    return exitCodes.done;
  }
}
