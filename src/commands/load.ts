import { join } from 'node:path';
import { loadProject } from '../config/load-project.ts';
import type { Project } from '../project.ts';
import { Failure } from '../errors.ts';
import { isLabel, labelRule } from '../lib/label.ts';
import type { GlobalOptions, Invocation } from './base-command.ts';

/**
 * Reads the project as the global flags say, and tells the terminal what lines to expect. @throws Failure `usage`.
 * @param selection of the command line; none: all services.
 * @param renders see LoadOptions.
 */
export async function load(
  { options, terminal, cwd, env }: Invocation,
  selection: readonly string[] = [],
  renders = true,
): Promise<Project> {
  const namespace = readNamespace(options);
  const project = await loadProject({ file: options.file, environment: options.environment, cwd, env, renders });
  terminal.expect(project, selection);
  return {
    ...project,
    cluster: { ...project.cluster, namespace: namespace ?? project.cluster.namespace },
    logs: {
      ...project.logs,
      mask: project.logs.mask && !options.showSecrets,
      // What is asked to be shown once is not to be kept.
      history: project.logs.history && !options.showSecrets,
    },
    timeoutMs: options.timeoutMs ?? project.timeoutMs,
  };
}

/** @returns what `--namespace` says. @throws Failure `usage` where no namespace can have that name. */
export function readNamespace({ namespace }: Pick<GlobalOptions, 'namespace'>): string | undefined {
  if (namespace === undefined || isLabel(namespace)) return namespace;
  throw new Failure('usage', `${namespace} can be no namespace's name`, { where: '--namespace', next: labelRule });
}

/** The files that `load` reads. */
export function configFiles(project: Project): readonly string[] {
  return [project.file, join(project.root, '.env')];
}
