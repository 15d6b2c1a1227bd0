import { Flags } from '@oclif/core';
import { plainUnseen } from '../deploy/unseen.ts';
import { exitCodes, Failures } from '../errors.ts';
import { stringifyJson } from '../lib/json.ts';
import { formatDiff, formatKept } from '../terminal/format-diff.ts';
import { diffProject } from '../up/diff-project.ts';
import { forcePreviewFlags, prunePreviewFlags } from './apply-flags.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';

export class Diff extends BaseCommand<typeof Diff> {
  static override summary = 'Show what `run` would change in the cluster, field by field.';
  static override description =
    `The server says it, in a dry run of every apply: nothing is written to the cluster. The images of the services are \
pinned as \`render\` does it: one that the inputs as they are gave before is taken, others are built and shipped first. \
Values of Secrets are never shown.

Exit code 0: no changes; 1: there are some; else that of \`run\`, where something keeps it from its end (6: a conflict).`;
  static override examples = ['<%= config.bin %> diff', '<%= config.bin %> diff --no-build -e staging'];
  static override flags = {
    ...forcePreviewFlags,
    ...prunePreviewFlags,
    build: Flags.boolean({
      description: 'build and ship what is needed to pin images; --no-build takes those that run',
      default: true,
      allowNo: true,
    }),
  };

  protected async execute(invocation: Invocation): Promise<number> {
    const { options, terminal, mask, signal, env } = invocation;
    const project = await load(invocation);
    const { context } = options;
    const { build, volumes, namespaces, crds } = this.flags;
    const prunes = { volumes, namespaces, crds };
    const report = terminal.remark;
    const up = {
      project,
      selection: [],
      context,
      env,
      mask,
      report,
      signal,
      build,
      prunes,
      forceConflicts: this.flags['force-conflicts'],
    };
    const { changes, unchanged, kept, refused, unseen } = await diffProject(up);
    const { style } = terminal;
    const [first, ...rest] = refused;
    const look = { style, namespace: project.cluster.namespace };
    const lines = [...formatKept(kept, look), ...formatDiff(changes, unchanged, look)];
    // With -o json one object is all that is printed: the refusals then.
    if (!first || (!options.json && changes.length > 0))
      terminal.result(lines.join('\n'), {
        changes: plainJson(changes),
        unchanged,
        kept,
        unseen: plainUnseen(unseen),
      });
    if (first) throw new Failures([first, ...rest]);
    return changes.length === 0 ? exitCodes.done : exitCodes.no;
  }
}

/** Manifests may hold integers that JavaScript's own JSON can't write. */
function plainJson(value: unknown): unknown {
  return JSON.parse(stringifyJson(value));
}
