import { configName } from '../config/find-config.ts';
import { loadProject } from '../config/load-project.ts';
import { Failure } from '../errors.ts';
import { type PodWord, readKindAndName } from '../logs/pod-query.ts';
import type { Project } from '../project.ts';
import type { Invocation } from './base-command.ts';
import { readPattern } from './read-pattern.ts';

/** What the command line of `logs` says of whose logs it wants. */
export interface Whose {
  readonly selector?: string | undefined;
  readonly 'all-namespaces'?: boolean | undefined;
  /** `--namespace`, `--file` and `--env`. */
  readonly namespace: string | undefined;
  readonly file: string | undefined;
  readonly environment: string | undefined;
  readonly words: readonly string[];
  /** Whether a config is here or in a folder above. */
  readonly hasConfig: boolean;
}

/**
 * @returns whether the pods of anybody are meant; false: those of the project.
 * @throws Failure `usage` for flags that contradict each other, and where nothing says whose.
 */
export function asksForAnybody(whose: Whose): boolean {
  const { selector, namespace, file } = whose;
  const everywhere = whose['all-namespaces'] === true;
  if (everywhere && namespace !== undefined)
    throw contradiction('--all-namespaces', '--namespace', 'one takes every namespace, the other names some');
  if (everywhere || selector !== undefined) {
    const flag = everywhere ? '--all-namespaces' : '--selector';
    if (file !== undefined) throw contradiction(flag, '--file', 'one takes the pods of anybody, the other a project');
    return true;
  }
  if (file !== undefined || whose.environment !== undefined || whose.hasConfig) {
    if (namespace?.includes(',') !== true) return false;
    throw new Failure('usage', `--namespace ${namespace} names several, and a project has one`, {
      where: '--namespace',
      next: "for the pods of anybody in all of them add labels, or none: -l ''",
    });
  }
  if (whose.words.length > 0 || namespace !== undefined) return true;
  throw new Failure('usage', `there is no ${configName} here or in a folder above, so no project`, {
    next: 'say whose pods: by names, by -n NAMESPACE, by labels with -l, or -A for all',
  });
}

/**
 * @returns the project in whose folder pods of anybody are asked for: they are looked for in its context and namespace, and
 * what its Secrets hold is masked there too. A config that can't be read is no reason to show nothing: a warning says what
 * is taken instead.
 */
export async function projectHere({ options, cwd, env, terminal }: Invocation): Promise<Project | undefined> {
  try {
    const project = await loadProject({ file: undefined, environment: options.environment, cwd, env, renders: false });
    return { ...project, logs: { ...project.logs, mask: project.logs.mask && !options.showSecrets } };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const namespace = options.namespace === undefined ? ', and the namespace of the context is taken' : '';
    const unmasked = options.showSecrets ? '' : "; what the project's manifests hold in Secrets is not masked";
    terminal.remark({
      type: 'warning',
      text: `the config can't be read${namespace}: ${error.message}${unmasked}`,
      next: error.where,
    });
    return undefined;
  }
}

/** @returns what a word asks for where there is no project. @throws Failure `usage`. */
export function readPodWord(word: string): PodWord {
  return readKindAndName(word) ?? { kind: 'pattern', pattern: readPattern(`the name ${word}`, word) };
}

function contradiction(flag: string, other: string, because: string): Failure {
  return new Failure('usage', `${flag} and ${other} contradict each other`, {
    where: flag,
    detail: because,
    next: 'leave one of them out',
  });
}
