import { dirname, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { exitCodes, Failure } from '../errors.ts';
import { kindOf } from '../lib/if-gone.ts';
import { writeWhole } from '../lib/write-whole.ts';
import { renderProject } from '../up/render-project.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { load } from './load.ts';

export class Render extends BaseCommand<typeof Render> {
  static override summary = 'Print the objects that `run` would apply, as YAML.';
  static override description =
    `With the labels that mark them as the project's, and with the images of the services pinned: one that the inputs \
as they are gave before is taken, others are built and shipped first. YAML alone goes to standard output, everything else \
to standard error. On a terminal the values of Secrets are masked.`;
  static override examples = [
    '<%= config.bin %> render',
    '<%= config.bin %> render -e staging --to staging.yaml',
    '<%= config.bin %> render --no-build | kubectl diff -f -',
  ];
  static override flags = {
    build: Flags.boolean({
      description: 'build and ship what is needed to pin images; --no-build leaves them as the manifests have them',
      default: true,
      allowNo: true,
    }),
    to: Flags.string({
      description: 'write a file instead, whole or not at all, for its owner alone',
      helpValue: 'FILE',
    }),
    'show-secrets': Flags.boolean({ description: 'do not mask the values of Secrets on a terminal' }),
  };

  protected async execute(invocation: Invocation): Promise<number> {
    const { options, terminal, mask, signal, env, cwd } = invocation;
    const { build, to } = this.flags;
    const project = await load(invocation);
    if (to !== undefined) await checkFolder(resolve(cwd, to), to);
    const isMasked = process.stdout.isTTY && to === undefined && !this.flags['show-secrets'];
    const { context } = options;
    const { yaml, objects } = await renderProject({
      project,
      selection: [],
      context,
      env,
      mask,
      report: terminal.remark,
      signal,
      build,
      maskSecrets: isMasked,
    });
    if (to === undefined) terminal.raw(yaml);
    else {
      await writeTo(resolve(cwd, to), yaml, to);
      terminal.result(`${objects} objects in ${to}`, { objects, file: to });
    }
    return exitCodes.done;
  }
}

/** Before anything is built for it. @throws Failure `usage`. */
async function checkFolder(file: string, shown: string): Promise<void> {
  const isFolder = (await kindOf(file)) === 'folder';
  if (!isFolder && (await kindOf(dirname(file))) === 'folder') return;
  throw new Failure('usage', isFolder ? `${shown} is a folder` : `there is no folder ${dirname(shown)}`, {
    where: '--to',
    next: 'name a file in a folder that is there',
  });
}

/** It holds the values of Secrets. @throws Failure `usage` with what the file system said. */
async function writeTo(file: string, yaml: string, shown: string): Promise<void> {
  try {
    await writeWhole(file, yaml, { mode: 0o600 });
  } catch (error) {
    throw new Failure('usage', `can't write ${shown}: ${(error as Error).message}`, {
      where: '--to',
      next: 'name a file that you may write to',
      cause: error,
    });
  }
}
