import { Flags } from '@oclif/core';
import { findNearestConfig } from '../config/find-config.ts';
import { exitCodes } from '../errors.ts';
import type { Project } from '../project.ts';
import type { LogLook } from '../terminal/log-lines.ts';
import { openForReading } from '../up/site.ts';
import { tailPods } from '../up/tail-pods.ts';
import { tail } from '../up/tail.ts';
import { tellHistory } from '../up/tell-history.ts';
import { archiveLogs } from './archive-logs.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';
import { formFlags, logFlags, readLook } from './log-flags.ts';
import { queryFlags, readChoice } from './log-query.ts';
import { asksForAnybody, projectHere, readPodWord } from './log-whose.ts';

export class Logs extends BaseCommand<typeof Logs> {
  static override summary = 'Show and follow the logs of the project, or of any pods.';
  static override description =
    `Every container of every object of the project, init and sidecar containers and third-party ones too, as they come \
and go. NAME, a service or a workload, limits whose; deploy/NAME, sts/NAME, job/NAME and pod/NAME are taken too.

With --selector or --all-namespaces, or where no stormctl.yaml is, the pods of anybody: NAME is then a regular expression \
for the names of pods, and -n names one namespace or, with commas, several. Without -n it is the project's where there is a \
stormctl.yaml, here or in a folder above, else that of the context.

The values of Secrets are masked, of eight characters and more: those of the project's manifests, also beside pods of \
anybody, those that it has in the cluster, and those that a pod names for its containers, as far as the account of the \
context may read them. --show-secrets shows them, and reads none.

A name, namespace or container that is not there is said, with the nearest that is, and waited for; with --no-follow it ends \
the command with exit code 2.

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
    const { options, terminal, mask, signal, env } = invocation;
    const { report, remark, drained, shown, expectPod } = terminal;
    const choice = readChoice(this.flags, Date.now());
    const shared = { choice, mask, rendered: undefined, report, remark, drained, shown, expectPod, signal };
    if (history) {
      const project = await load(invocation, this.words, false);
      const isLimited = this.flags.since !== undefined || this.flags.tail !== undefined;
      await tellHistory({
        project,
        selection: this.words,
        ...shared,
        choice: isLimited ? choice : { ...choice, start: 'all' },
      });
      return exitCodes.done;
    }
    const learn = (project: Project) => {
      const learning = import('../up/learn-secrets.ts').then(({ learnRendered }) =>
        learnRendered({ project, env, mask, report: remark, signal }),
      );
      // Whoever awaits it gets the error; that no line came is no fault.
      learning.catch(() => {});
      return learning;
    };
    const hasConfig = (await findNearestConfig(invocation.cwd)) !== undefined;
    if (asksForAnybody({ ...options, ...this.flags, words: this.words, hasConfig })) {
      const own = hasConfig ? await projectHere(invocation) : undefined;
      const named = (options.namespace ?? own?.cluster.namespace)?.split(',').filter(Boolean);
      const query = {
        namespaces: this.flags['all-namespaces'] ? ('all' as const) : named,
        selector: this.flags.selector ?? '',
        words: this.words.map(readPodWord),
        masks: !options.showSecrets && own?.logs.mask !== false,
      };
      await using kube = await openForReading(options.context ?? own?.cluster.context, env);
      await tailPods(query, { kube, ...shared, rendered: own && learn(own) });
      if (!choice.follow) terminal.tellHidden();
      return exitCodes.done;
    }
    const project = await load(invocation, this.words, false);
    await using kube = await openForReading(options.context ?? project.cluster.context, env);
    await tail({ kube, project, selection: this.words, ...shared, rendered: learn(project) });
    if (!choice.follow) terminal.tellHidden();
    return exitCodes.done;
  }
}
