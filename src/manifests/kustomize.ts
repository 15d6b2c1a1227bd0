import { Failure, formatPosition } from '../errors.ts';
import type { Position } from '../errors.ts';
import { run } from '../lib/process.ts';
import type { ProcessResult } from '../lib/process.ts';

export interface KustomizeRequest {
  /** Absolute. */
  readonly folder: string;
  /** As messages name it. */
  readonly shown: string;
  /** Where the config asks for it. */
  readonly at: Position;
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
 * @throws Failure `usage` with kustomize's own words, or when there is neither kustomize nor kubectl; AbortError.
 */
export async function kustomize({ folder, shown, at, signal, env }: KustomizeRequest): Promise<string> {
  for (const [program, verb] of renderers) {
    const result = await tryRun(program, [verb, folder], env, signal);
    if (!result) continue;
    if (result.exitCode === 0) return result.stdout.toString('utf8');
    const words = result.stderr.trim();
    throw new Failure('usage', `kustomize can't build ${shown}: ${firstLine(words)}`, {
      where: formatPosition(at),
      detail: words,
      next: `run \`${program} ${verb} ${shown}\` to see it by itself`,
    });
  }
  throw new Failure('usage', `neither kustomize nor kubectl is on the PATH, and ${shown} needs one of them`, {
    where: formatPosition(at),
    next: 'install kubectl (https://kubernetes.io/docs/tasks/tools/) or kustomize (https://kubectl.docs.kubernetes.io/installation/kustomize/)',
  });
}

/** @returns undefined when there is no such program. */
async function tryRun(
  program: string,
  args: readonly string[],
  env: KustomizeRequest['env'],
  signal: AbortSignal,
): Promise<ProcessResult | undefined> {
  try {
    return await run(program, args, { env, signal });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function firstLine(words: string): string {
  const [line = ''] = words.split('\n');
  return line.replace(/^error: /i, '') || 'it says nothing';
}
