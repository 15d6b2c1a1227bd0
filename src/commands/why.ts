import { relative, resolve } from 'node:path';
import { explainPaths } from '../dev/why.ts';
import { exitCodes, Failure } from '../errors.ts';
import { BaseCommand, type Invocation } from './base-command.ts';
import { configFiles, load } from './load.ts';

export class Why extends BaseCommand<typeof Why> {
  static override summary = 'Say what dev would do about a save of PATH, and why.';
  static override description = 'It needs no cluster and no session. The path need not exist.';
  static override examples = ['<%= config.bin %> why src/main.ts package.json README.md'];
  static override strict = false;
  static override usage = 'why PATH… [FLAGS]';

  protected async execute(invocation: Invocation): Promise<number> {
    if (this.words.length === 0)
      throw new Failure('usage', 'which path?', { next: 'stormctl why PATH, as `stormctl why package.json`' });
    const { options, terminal, mask, signal, env, cwd } = invocation;
    const project = await load(invocation);
    const up = { project, selection: [], context: options.context, env, mask, report: terminal.report, signal };
    const paths = this.words.map((word) => resolve(cwd, word));
    const consequences = await explainPaths(up, configFiles(project), paths);
    const { style } = terminal;
    const lines = consequences.map(({ path, action, service, because }) => {
      const whose = service === undefined ? '' : `${service} `;
      return `${relative(cwd, path) || path}: ${whose}${style.bold(action)} ${style.dim(because)}`;
    });
    terminal.result(lines.join('\n'), { paths: consequences });
    return exitCodes.done;
  }
}
