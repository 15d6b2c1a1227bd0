import { Flags } from '@oclif/core';
import { plainUnseen, warnOfUnseen } from '../deploy/unseen.ts';
import { exitCodes } from '../errors.ts';
import { watchStatus, type WatchStatusOptions } from '../up/watch-status.ts';
import type { Project } from '../project.ts';
import { fitObjectStatus, formatObjectStatus, formatStatusChanges } from '../terminal/format-object-status.ts';
import { formatReport } from '../terminal/format-report.ts';
import { wrapWords } from '../terminal/wrap-words.ts';
import { learnApplied } from '../up/learn-secrets.ts';
import { type ProjectStatus, readStatus } from '../up/read-status.ts';
import { openForReading } from '../up/site.ts';
import { ToldOutages } from '../up/told-outages.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';

type Seen = ProjectStatus['objects'];

export class Status extends BaseCommand<typeof Status> {
  static override summary = 'Show what of the project is in the cluster, and whether it is ready.';
  static override description =
    `By the inventory in the cluster: nothing is built or rendered, and \`dev\` may run elsewhere. For what is not ready it \
says why. Exit code 0: all is ready; 1: something is not, or nothing is deployed; 6: the account may not see all of it.`;
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --watch'];
  static override flags = {
    watch: Flags.boolean({
      char: 'w',
      description: 'go on until Ctrl+C: drawn again at every change, or a line for each in a pipe',
    }),
  };

  protected async execute(invocation: Invocation): Promise<number> {
    const { options, terminal, mask, signal, env } = invocation;
    const project = await load(invocation, [], false);
    await using kube = await openForReading(options.context ?? project.cluster.context, env);
    // What the cluster says of a failure may quote them.
    await learnApplied({ kube, project, mask, report: terminal.remark, signal });
    if (this.flags.watch) return await this.#watch(invocation, project, kube);
    const status = await readStatus({ kube, project, report: terminal.remark, signal });
    this.#print(invocation, project, status);
    for (const warning of warningsOf(status)) terminal.remark(warning);
    if (status.unseen.length > 0) return exitCodes.refused;
    return status.objects?.every(({ ready }) => ready) ? exitCodes.done : exitCodes.no;
  }

  /** Goes on until it is aborted. */
  async #watch(invocation: Invocation, project: Project, kube: WatchStatusOptions['kube']): Promise<never> {
    const { terminal, signal } = invocation;
    const { style } = terminal;
    let seen: ProjectStatus | undefined;
    let outage = '';
    const told = new Set<string>();
    using frame = terminal.openFrame((size) =>
      framed(project, seen, {
        ...size,
        style,
        now: Date.now(),
        foot: [...(seen ? warningsOf(seen).map(({ text }) => text) : []), ...(outage === '' ? [] : [outage])].flatMap(
          (line) => wrapWords(line, size.columns),
        ),
      }),
    );
    const outages = new ToldOutages((report) => {
      if (!frame || report.type === 'log') return terminal.remark(report);
      outage = report.type === 'session.resumed' ? '' : (formatReport(report, style, 'normal')[0] ?? '');
      return frame.refresh();
    });
    // Ages go on while nothing changes.
    const clock = setInterval(() => frame?.refresh(), 1000);
    try {
      return await watchStatus({
        kube,
        project,
        onStatus: (objects, unseen) => {
          const before = seen;
          seen = { objects, unseen };
          if (frame) return frame.refresh();
          this.#tell(invocation, project, seen, before);
          for (const warning of warningsOf(seen)) {
            if (told.has(warning.text)) continue;
            told.add(warning.text);
            terminal.remark(warning);
          }
        },
        onLost: (cause) => outages.lost('the cluster', cause),
        onBack: () => void outages.resumed('the cluster'),
        signal,
      });
    } finally {
      clearInterval(clock);
    }
  }

  #tell(invocation: Invocation, project: Project, seen: ProjectStatus, before: ProjectStatus | undefined): void {
    const { options, terminal } = invocation;
    if (options.json) return this.#print(invocation, project, seen);
    if (!seen.objects && !before?.objects) return before ? undefined : terminal.result(nothing(project), {});
    const changes = formatStatusChanges(before?.objects ?? [], seen.objects ?? [], terminal.style);
    return changes.length > 0 ? terminal.result(changes.join('\n'), {}) : undefined;
  }

  #print({ terminal }: Invocation, project: Project, { objects, unseen }: ProjectStatus): void {
    const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
    const lines = objects?.length
      ? formatObjectStatus(objects, { style: terminal.style, columns, now: Date.now() })
      : [empty(project, objects)];
    terminal.result(lines.join('\n'), {
      ready: unseen.length === 0 && (objects?.every(({ ready }) => ready) ?? false),
      objects: objects ?? [],
      unseen: plainUnseen(unseen),
    });
  }
}

function framed(
  project: Project,
  seen: ProjectStatus | undefined,
  look: Parameters<typeof fitObjectStatus>[1],
): readonly string[] {
  if (!seen) return look.foot;
  return seen.objects?.length ? fitObjectStatus(seen.objects, look) : [empty(project, seen.objects), ...look.foot];
}

function warningsOf({ unseen }: ProjectStatus): ReturnType<typeof warnOfUnseen> {
  return warnOfUnseen(unseen, 'it does not count as ready');
}

function empty(project: Project, seen: Seen): string {
  return seen ? `${project.name} has nothing in the cluster that could be unready` : nothing(project);
}

function nothing({ name, cluster }: Project): string {
  return `nothing of ${name} is deployed in namespace ${cluster.namespace}`;
}
