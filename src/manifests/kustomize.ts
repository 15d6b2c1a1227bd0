import { relative } from 'node:path';
import { Failure, formatPosition } from '../errors.ts';
import type { KustomizeStep } from '../project.ts';
import { errorOf, faultOf } from './kustomize-words.ts';
import { runRenderer, summaryOf } from './run-renderer.ts';

export interface KustomizeRequest {
  readonly step: KustomizeStep;
  /** The project's root: folders are shown relative to it. */
  readonly root: string;
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** In the order in which they are tried: the stand-alone one is what users pin when they need a certain version. */
const renderers = [
  ['kustomize', 'build'],
  ['kubectl', 'kustomize'],
] as const;

/**
 * @returns what kustomize prints for a folder: a YAML stream.
 * @throws Failure `usage` with the cause that kustomize names, and where it stands, or when there is neither kustomize nor kubectl; AbortError.
 */
export async function kustomize({ step, root, signal, env }: KustomizeRequest): Promise<string> {
  const shown = shownFolder(step, root);
  const flags = [
    ...(step.enableHelm ? ['--enable-helm'] : []),
    ...(step.readsAnywhere ? ['--load-restrictor', 'LoadRestrictionsNone'] : []),
  ];
  for (const [program, verb] of renderers) {
    const result = await runRenderer(program, [verb, step.folder, ...flags], { env, signal });
    if (!result) continue;
    if (result.exitCode === 0) return result.stdout.toString('utf8');
    const said = errorOf(withoutValues(result.stderr.trim()));
    const fault = await faultOf(said, step.folder, root);
    throw new Failure('usage', `kustomize can't build ${shown}: ${summaryOf(fault.message)}`, {
      where: fault.where ?? formatPosition(step.at),
      detail: fault.message.includes('\n') ? said : undefined,
      next: nextStep(said) ?? fault.next ?? `run \`${[program, verb, shown, ...flags].join(' ')}\` to see it by itself`,
    });
  }
  throw new Failure('usage', `neither kustomize nor kubectl is on the PATH, and ${shown} needs one of them`, {
    where: formatPosition(step.at),
    next: 'install kubectl (https://kubernetes.io/docs/tasks/tools/) or kustomize (https://kubectl.docs.kubernetes.io/installation/kustomize/)',
  });
}

/**
 * Kustomize quotes all literals of a generator when one of them is wrong, and a scalar that it takes for an alias. They may
 * be what a Secret shall hold.
 */
function withoutValues(words: string): string {
  return words
    .replaceAll(
      /(literal sources \[)(.*)(\]: )/g,
      (_, before: string, literals: string, after: string) => `${before}${keysOf(literals)}${after}`,
    )
    .replaceAll(/(invalid literal source ).*?(, expected|$)/gm, '$1***$2')
    .replaceAll(/(unknown anchor ').*?(' referenced|$)/gm, '$1***$2');
}

function keysOf(literals: string): string {
  return literals
    .split(' ')
    .map((literal) => `${/^[\w.-]+=/.exec(literal)?.[0] ?? ''}***`)
    .join(' ');
}

/** @returns the folder as messages name it. */
export function shownFolder({ folder }: KustomizeStep, root: string): string {
  return relative(root, folder) || '.';
}

/** What kustomize refuses unless it is told otherwise, and what tells it from here. */
function nextStep(words: string): string | undefined {
  if (/is not in or below/.test(words))
    return 'move the file below the folder, or let the step read any: `loadRestrictor: none`';
  if (/must specify --enable-helm/.test(words)) return 'let the step run helm: `enableHelm: true`';
  if (/unable to run: '?helm|"helm"|exec: "?helm/.test(words))
    return 'its helmCharts need helm on the PATH (https://helm.sh/docs/intro/install/)';
  return undefined;
}
