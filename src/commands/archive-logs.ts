import { relative, resolve } from 'node:path';
import { exitCodes, Failure } from '../errors.ts';
import { count } from '../terminal/style.ts';
import type { Archived } from '../up/archive-project.ts';
import { openForReading } from '../up/site.ts';
import type { Invocation } from './base-command.ts';
import { load } from './load.ts';

/** `stormctl logs --archive FILE`. @param version of stormctl. @throws Failure `usage` when the file can't be written. */
export async function archiveLogs(
  invocation: Invocation,
  { file, words, version }: { readonly file: string; readonly words: readonly string[]; readonly version: string },
): Promise<number> {
  const { options, terminal, mask, signal, env, cwd } = invocation;
  if (words.length > 0)
    throw new Failure('usage', '--archive takes the whole project', {
      where: words[0],
      next: 'leave the names out; what was archived can be picked from the file',
    });
  const { archiveProject } = await import('../up/archive-project.ts');
  const project = await load(invocation, [], false);
  const archived = await archiveProject({
    project,
    file: resolve(cwd, file),
    mayReplace: options.yes,
    openCluster: () => openForReading(options.context ?? project.cluster.context, env),
    context: options.context,
    env,
    mask,
    version,
    signal,
  });
  for (const { what, why } of archived.problems)
    terminal.remark({ type: 'warning', text: `not in the archive: ${what} (${why})` });
  const { version: kubernetes, ...facts } = archived;
  terminal.result(inWords(archived, relative(cwd, archived.file)), { ...facts, kubernetes });
  return exitCodes.done;
}

function inWords({ bytes, entries, logs, previousLogs, objects, events, unmasked }: Archived, file: string): string {
  const before = previousLogs > 0 ? ` (${previousLogs} of the run before)` : '';
  const parts = [
    ...(logs + previousLogs > 0 ? [`logs of ${count(logs, 'container')}${before}`] : []),
    ...(objects > 0 ? [count(objects, 'object')] : []),
    ...(events > 0 ? [count(events, 'event')] : []),
    'manifests, config and history',
  ];
  return [
    `wrote ${file}: ${size(bytes)}, ${count(entries, 'file')}`,
    `  ${parts.join(', ')}`,
    unmasked.length === 0
      ? '  the values of Secrets are masked; look through the rest before you pass it on'
      : `  NOT MASKED: the values of Secrets in ${unmasked.join(', ')}, which could not be read: mind whom you pass it on to`,
  ].join('\n');
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
