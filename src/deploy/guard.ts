import { isIP } from 'node:net';
import { Failure } from '../errors.ts';
import type { KubeTarget } from '../kube/kube.ts';
import type { Project } from '../project.ts';

export interface GuardedCluster {
  readonly target: KubeTarget;
  readonly project: Project;
  /** Where the container engine runs, when it is not on this machine: its clusters are as local as the engine is. */
  readonly engineHost: string | undefined;
}

/**
 * Writes go to the context that the config names, or to a local cluster when it names none, and nowhere else.
 * @throws Failure `guard`.
 */
export function checkCluster({ target, project, engineHost }: GuardedCluster): void {
  const { context: named } = project.cluster;
  const found = `context ${target.context} (${target.server})`;
  checkContext(target.context, project, found);
  if (named === target.context) return;
  if (isLocal(new URL(target.server).hostname, engineHost)) return;
  throw new Failure('guard', `${found} is not a local cluster, and the config does not name it`, {
    where: project.file,
    next: `to allow it, set cluster.context: ${target.context} in ${project.file} (or in one of its environments)`,
  });
}

/**
 * The part of the guard that needs no kubeconfig: a context that the config names is the only one, whatever --context says.
 * @throws Failure `guard`.
 */
export function checkContext(context: string, { cluster, file }: Project, found = `context ${context}`): void {
  const { context: named } = cluster;
  if (named === undefined || named === context) return;
  throw new Failure('guard', `this project writes to context ${named} only, and ${found} is another one`, {
    where: file,
    next: `leave --context out, or change cluster.context in ${file}`,
  });
}

function isLocal(hostname: string, engineHost: string | undefined): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host === '::1' || host === '0.0.0.0') return true;
  if (isIP(host) === 4 && host.startsWith('127.')) return true;
  return engineHost !== undefined && host === engineHost.toLowerCase();
}
