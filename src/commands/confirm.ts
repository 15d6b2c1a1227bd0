import type { ClusterIdentity } from '../deploy/identity.ts';
import type { Asked } from '../deploy/protected.ts';
import { Failure } from '../errors.ts';
import { formatId, type ObjectId } from '../objects.ts';
import type { Project } from '../project.ts';
import { formatBriefDiff } from '../terminal/format-brief-diff.ts';
import { diffProject } from '../up/diff-project.ts';
import type { Invocation } from './base-command.ts';

/** What a person has said yes to: nothing else is written to. */
export interface Confirmed {
  readonly context: string | undefined;
  readonly expected: ClusterIdentity | undefined;
}

export interface Confirming {
  readonly command: 'dev' | 'run' | 'deploy';
  readonly selection: readonly string[];
  /** What of that which left the manifests goes, too. Default: nothing. */
  readonly prunes?: Asked;
  /** Whether fields that others hold are taken. Default: no. */
  readonly forceConflicts?: boolean;
}

/**
 * Where the config wants it, shows the cluster and what would change, and asks. `--yes` answers.
 *
 * @returns the context to use, and the cluster that it has to lead to. @throws Failure `guard` for a no, and where there is
 * nobody to ask; as diffProject; AbortError.
 */
export async function confirmWrites(
  invocation: Invocation,
  project: Project,
  { command, selection, prunes, forceConflicts }: Confirming,
): Promise<Confirmed> {
  const { options, env, mask, signal, terminal } = invocation;
  const { context } = options;
  if (!project.confirm || options.yes) return { context, expected: undefined };
  refuseUnattended(invocation, `${command} of ${nameOf(project)} is to be confirmed`);
  const mode = command === 'dev' ? 'dev' : 'run';
  const shown = {
    project,
    selection,
    context,
    env,
    mask,
    report: terminal.report,
    signal,
    prunes,
    forceConflicts,
    mode,
  } as const;
  const diff = await diffProject({ ...shown, build: false });
  const { namespace } = project.cluster;
  const { cluster } = diff;
  const rows: readonly (readonly [string, string])[] = [
    ...(cluster
      ? whereRows(cluster.target, namespace)
      : ([
          ['cluster', 'is made'],
          ['namespace', namespace],
        ] as const)),
    ...imageRow(project, command, selection),
    ...diff.kept.map(({ id, because }) => ['keeps', `${formatId(id)}: ${because}`] as const),
  ];
  const head = [`stormctl ${command} writes ${nameOf(project)}`, ...table(rows)];
  const refused = diff.refused.map(({ message }) => `${terminal.style.paint('yellow', '!')} ${message}`);
  const height = process.stderr.rows || 24;
  const lines = formatBriefDiff(diff.changes, diff.unchanged, {
    style: terminal.style,
    namespace,
    columns: process.stderr.columns || 80,
    // The question has one, and the cursor was in another.
    rows: Math.max(8, height - head.length - refused.length - 2),
    whole: `stormctl diff${project.environment === undefined ? '' : ` -e ${project.environment}`}`,
  });
  await ask(invocation, [...head, ...lines, ...refused]);
  return { context: cluster?.target.context ?? context, expected: cluster?.identity };
}

/** Nothing is built before the answer. */
function imageRow(
  { services }: Project,
  command: Confirming['command'],
  selection: readonly string[],
): readonly (readonly [string, string])[] {
  const built = services.map(({ name }) => name).filter((name) => selection.length === 0 || selection.includes(name));
  if (built.length === 0 || command === 'deploy') return [];
  return [['images', `as they run now; ${built.join(', ')}: whatever is built then`]];
}

/** Shows lines, and asks for a yes. @throws Failure `guard` for anything else; AbortError. */
export async function ask(invocation: Invocation, lines: readonly string[]): Promise<void> {
  const { terminal, signal } = invocation;
  const answer = await terminal.ask(lines, { stdin: process.stdin, question: 'Go on? [y/N] ', signal });
  if (!/^y(es)?$/i.test(answer.trim())) throw refused();
}

/** Shows lines, and has a word typed. @throws Failure `guard` for any other; AbortError. */
export async function askForWord(invocation: Invocation, lines: readonly string[], word: string): Promise<void> {
  const { terminal, signal } = invocation;
  const answer = await terminal.ask(lines, { stdin: process.stdin, question: `Type ${word} to go on: `, signal });
  if (answer.trim() !== word) throw refused();
}

/** @throws Failure `guard` when there is nobody to ask. */
export function refuseUnattended({ terminal }: Invocation, message: string): void {
  if (terminal.canAsk(process.stdin)) return;
  throw new Failure('guard', `${message}, and there is no terminal to ask on`, { next: 'add --yes if it is meant' });
}

/** @returns the lines that say where something is written to. */
export function whereRows(
  { context, server }: { readonly context: string; readonly server: string },
  namespace: string,
): readonly (readonly [string, string])[] {
  return [
    ['cluster', `${server} (context ${context})`],
    ['namespace', namespace],
  ];
}

/** @returns lines of two columns, indented. */
export function table(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
}

/** @returns the first names, and how many there are. */
export function named(ids: readonly ObjectId[], most = 12): string {
  if (ids.length === 0) return 'nothing';
  const names = ids.slice(0, most).map(formatId).join(', ');
  return ids.length > most ? `${names}, and ${ids.length - most} more` : names;
}

/** @returns the project as questions name it: with its environment. */
export function nameOf({ name, environment }: Pick<Project, 'name' | 'environment'>): string {
  return environment === undefined ? name : `${name} (${environment})`;
}

function refused(): Failure {
  return new Failure('guard', 'nothing was written: it was not confirmed', {
    next: 'answer yes if it is meant, or give --yes',
  });
}
