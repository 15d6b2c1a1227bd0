import { Flags } from '@oclif/core';
import { findNearestConfig } from '../config/find-config.ts';
import { exitCodes } from '../errors.ts';
import type { LogLook } from '../terminal/log-lines.ts';
import { archiveLogs } from './archive-logs.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';
import { formFlags, logFlags, readLook } from './log-flags.ts';
import { queryFlags, readChoice } from './log-query.ts';
import { asksForAnybody, readPodWord } from './log-whose.ts';

export class Logs extends BaseCommand<typeof Logs> {
  static override summary = 'Show and follow the logs of the project, or of any pods.';
  static override description =
    `Every container of every object of the project, init and sidecar containers and third-party ones too, as they come \
and go. NAME, a service or a workload, limits whose; deploy/NAME, sts/NAME, job/NAME and pod/NAME are taken too.

With --selector or --all-namespaces, or where no stormctl.yaml is, the pods of anybody: NAME is then a regular expression \
for the names of pods, and -n names one namespace or, with commas, several (default: that of the context). Their Secrets \
are not known, and not masked.

Nothing is written to the cluster, so the guard does not apply: --context may name any.

With --history the lines that \`dev\` and \`run --tail\` kept on this machine, of containers that are gone too: no cluster \
is asked.

With --archive a file for a bug report: what all pods printed, the runs before too, their objects, events and manifests, \
and what sessions kept, with the values of Secrets masked. What can't be read is noted in it.`;
  static override examples = [
    '<%= config.bin %> logs',
    '<%= config.bin %> logs gateway postgres-user --tail -1 --no-follow',
    "<%= config.bin %> logs web --include '(?i)error' --exclude health --since 1h",
    '<%= config.bin %> logs web --previous',
    "<%= config.bin %> logs -l 'app=web,tier!=db' -n shop,billing",
    '<%= config.bin %> logs web --history --since 2h',
    '<%= config.bin %> logs --archive storm.tar.gz',
    "<%= config.bin %> logs -A 'coredns-.*' --context staging",
  ];
  static override strict = false;
  static override usage = 'logs [NAME…] [FLAGS]';
  static override flags = {
    ...queryFlags,
    history: Flags.boolean({
      description: 'what sessions of this project kept in .stormctl/logs; does not follow (default: all of it)',
      exclusive: ['follow', 'previous', 'selector', 'all-namespaces'],
      helpGroup: 'RECORD',
    }),
    archive: Flags.string({
      description:
        'write all that is known of the project to a .tar.gz, for a bug report: logs, objects, events, manifests',
      helpValue: 'FILE',
      exclusive: [...Object.keys(queryFlags), 'history', 'show-secrets', 'template'],
      helpGroup: 'RECORD',
    }),
    ...logFlags,
    ...formFlags,
  };

  protected override get streams(): boolean {
    return this.flags.archive === undefined;
  }

  protected override get look(): LogLook {
    return readLook(this.flags);
  }

  protected async execute(invocation: Invocation): Promise<number> {
    const { archive, history } = this.flags;
    if (archive !== undefined)
      return archiveLogs(invocation, { file: archive, words: this.words, version: this.config.version });
    const { openForReading } = await import('../up/site.ts');
    const { options, terminal, mask, signal, env } = invocation;
    const { report, remark, drained } = terminal;
    const choice = readChoice(this.flags, Date.now());
    const shared = { choice, mask, report, remark, drained, signal };
    if (history) {
      const { tellHistory } = await import('../up/tell-history.ts');
      const project = await load(invocation);
      const isLimited = this.flags.since !== undefined || this.flags.tail !== undefined;
      await tellHistory({
        project,
        selection: this.words,
        ...shared,
        choice: isLimited ? choice : { ...choice, start: 'all' },
      });
      return exitCodes.done;
    }
    const hasConfig = (await findNearestConfig(invocation.cwd)) !== undefined;
    if (asksForAnybody({ ...options, ...this.flags, words: this.words, hasConfig })) {
      const { tailPods } = await import('../up/tail-pods.ts');
      const query = {
        namespaces: this.flags['all-namespaces'] ? ('all' as const) : options.namespace?.split(',').filter(Boolean),
        selector: this.flags.selector ?? '',
        words: this.words.map(readPodWord),
      };
      await using kube = await openForReading(options.context, env);
      await tailPods(query, { kube, ...shared });
      return exitCodes.done;
    }
    const { tail } = await import('../up/tail.ts');
    const project = await load(invocation);
    await using kube = await openForReading(options.context ?? project.cluster.context, env);
    await tail({ kube, project, selection: this.words, knowsSecrets: false, ...shared });
    return exitCodes.done;
  }
}
