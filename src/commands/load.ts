import { join } from 'node:path';
import { loadProject } from '../config/load-project.ts';
import type { Project } from '../project.ts';
import type { Invocation } from './base-command.ts';

/** Reads the project as the global flags say, and tells the terminal what lines to expect. @throws Failure `usage`. */
export async function load({ options, terminal, cwd, env }: Invocation): Promise<Project> {
  const project = await loadProject({ file: options.file, environment: options.environment, cwd, env });
  terminal.expect(project);
  return {
    ...project,
    cluster: { ...project.cluster, namespace: options.namespace ?? project.cluster.namespace },
    logs: {
      ...project.logs,
      mask: project.logs.mask && !options.showSecrets,
      // What is asked to be shown once is not to be kept.
      history: project.logs.history && !options.showSecrets,
    },
    timeoutMs: options.timeoutMs ?? project.timeoutMs,
  };
}

/** The files that `load` reads. */
export function configFiles(project: Project): readonly string[] {
  return [project.file, join(project.root, '.env')];
}
