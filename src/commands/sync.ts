import { relative, resolve } from 'node:path';
import { syncOnce } from '../dev/sync-once.ts';
import { exitCodes, Failure } from '../errors.ts';
import type { Report } from '../events.ts';
import { formatReport } from '../terminal/format-report.ts';
import { openCluster } from '../up/site.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';

export class Sync extends BaseCommand<typeof Sync> {
  static override summary = 'Copy files into the running containers of a service, once.';
  static override description =
    `What \`sync\` of the service covers goes where \`dev\` would put it, and \`afterSync\` follows. PATH, a file or a folder, \
limits it; a file that is not there is removed. The containers keep it until they end: the image has not got it.`;
  static override examples = ['<%= config.bin %> sync user-service', '<%= config.bin %> sync web src/app.ts public'];
  static override strict = false;
  static override usage = 'sync SERVICE [PATH…] [FLAGS]';

  protected async execute(invocation: Invocation): Promise<number> {
    const [service, ...words] = this.words;
    if (service === undefined)
      throw new Failure('usage', 'which service?', {
        next: 'stormctl sync SERVICE [PATH…], as `stormctl sync web src`',
      });
    const { options, terminal, mask, signal, env, cwd } = invocation;
    const project = await load(invocation);
    const { kube } = await openCluster({ project, context: options.context, env, report: terminal.report, signal });
    await using _ = kube;
    let done: Extract<Report, { type: 'sync.done' }> | undefined;
    await syncOnce({
      kube,
      project,
      service,
      paths: words.map((word) => resolve(cwd, word)),
      shown: (path) => relative(cwd, path) || '.',
      mask,
      report: (report) => {
        if (report.type === 'sync.done') done = report;
        else terminal.report(report);
      },
      signal,
    });
    if (!done) return exitCodes.done;
    const { files, containers, ms, after } = done;
    const round = (each: number | undefined) => each && Math.round(each);
    terminal.result(formatReport(done, terminal.style, 'normal').join('\n'), {
      service,
      files,
      containers,
      ms: round(ms),
      after: after && { ...after, ms: round(after.ms), readyMs: round(after.readyMs) },
    });
    return exitCodes.done;
  }
}
