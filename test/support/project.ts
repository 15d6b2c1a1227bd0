import type { Project } from '../../src/project.ts';

/** A project as a config without keys gives it, in the namespace `storm`, with what a test needs to be otherwise. */
export function projectWith(parts: Partial<Project> = {}): Project {
  return {
    name: 'storm',
    file: '/p/stormctl.yaml',
    root: '/p',
    environment: undefined,
    cluster: { context: undefined, namespace: 'storm', create: undefined },
    registry: undefined,
    services: [],
    deploy: [],
    podTemplates: [],
    restartOnConfigChange: true,
    forward: [],
    autoForward: undefined,
    logs: { exclude: [], mask: true, history: true, fold: true, fields: undefined, level: undefined },
    onExit: 'delete',
    restoreNamespace: true,
    confirm: false,
    timeoutMs: 1000,
    ...parts,
  };
}
