import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Failure, formatPosition } from '../errors.ts';
import { stringifyJson } from '../lib/json.ts';
import type { HelmStep } from '../project.ts';
import { runRenderer, summaryOf } from './run-renderer.ts';

export interface HelmRequest {
  readonly step: HelmStep;
  /** The project's root: paths are shown relative to it. */
  readonly root: string;
  /** Of a release that names none. */
  readonly namespace: string;
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * @returns what `helm template` prints for a chart: a YAML stream, its CustomResourceDefinitions and hooks included.
 * @throws Failure `usage` with helm's own words and the template that they name, or when there is no helm; AbortError.
 */
export async function helm({ step, root, namespace, signal, env }: HelmRequest): Promise<string> {
  const { release, values, set } = step;
  const args = ['template', release, ...chartArgs(step), '--namespace', step.namespace ?? namespace, '--include-crds'];
  for (const file of values) args.push('--values', file);
  // Everybody on this machine can read a command line.
  const input = Object.keys(set).length > 0 ? stringifyJson(set) : undefined;
  if (input !== undefined) args.push('--values', '-');
  const result = await runRenderer('helm', args, { cwd: root, env, signal, ...(input === undefined ? {} : { input }) });
  const shown = shownChart(step, root);
  if (!result)
    throw new Failure('usage', `helm is not on the PATH, and ${shown} needs it`, {
      where: formatPosition(step.at),
      next: 'install it (https://helm.sh/docs/intro/install/)',
    });
  if (result.exitCode === 0) return result.stdout.toString('utf8');
  throw failureOf(result.stderr, step, root);
}

/** @returns the chart as messages name it. */
export function shownChart({ chart }: HelmStep, root: string): string {
  return chart.kind === 'local' ? relative(root, chart.path) || '.' : chart.reference;
}

function chartArgs({ chart }: HelmStep): readonly string[] {
  if (chart.kind === 'local') return [chart.path];
  const { reference, repo, version } = chart;
  return [
    reference,
    ...(repo === undefined ? [] : ['--repo', repo]),
    ...(version === undefined ? [] : ['--version', version]),
  ];
}

function failureOf(stderr: string, step: HelmStep, root: string): Failure {
  const words = stderr.replaceAll(/^(Use --debug flag .*|WARNING: .*)$\n?/gm, '').trim();
  // Warnings may stand before what went wrong.
  const said = /^Error: .*/ms.exec(words)?.[0] ?? words;
  const shown = shownChart(step, root);
  return new Failure('usage', `helm can't render ${shown}: ${summaryOf(said)}`, {
    where: templateIn(said, step, root) ?? formatPosition(step.at),
    detail: words,
    next: nextStep(said, step, shown),
  });
}

function nextStep(said: string, { chart, values }: HelmStep, shown: string): string {
  if (/missing in charts\/ directory|out of sync with|helm dependency/.test(said)) {
    const verb = chart.kind === 'local' && existsSync(join(chart.path, 'Chart.lock')) ? 'build' : 'update';
    return `run \`helm dependency ${verb} ${shown}\``;
  }
  if (chart.kind === 'remote')
    return 'see that its name, `repo` and `version` are right, and that this machine reaches it';
  return values.length > 0 ? 'correct the template, or the values that it is given' : 'correct the template';
}

/** Helm names a template by its chart (`storm/templates/web.yaml:12:20`), whatever the chart's folder is called. */
function templateIn(said: string, { chart }: HelmStep, root: string): string | undefined {
  if (chart.kind === 'remote') return undefined;
  for (const [, path = '', place = ''] of said.matchAll(
    /[\w.-]+\/((?:[\w.-]+\/)*[\w.-]+\.(?:ya?ml|tpl|txt|json))(:\d+(?::\d+)?)?/g,
  )) {
    const file = join(chart.path, path);
    if (existsSync(file)) return `${relative(root, file)}${place}`;
  }
  return undefined;
}

/** Where an object of a stream comes from, by the `# Source:` line that helm puts before it. */
export function sourceOfLine(text: string, line: number, { chart }: HelmStep, shown: string): string {
  const source = text
    .split('\n', line)
    .findLast((each) => each.startsWith('# Source: '))
    ?.slice('# Source: '.length);
  if (source === undefined || chart.kind === 'remote' || /\.t(ar\.)?gz$/.test(chart.path))
    return source ?? `helm ${shown}`;
  return join(shown, source.slice(source.indexOf('/') + 1));
}
