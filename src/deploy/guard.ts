import { isIP } from 'node:net';
import { Failure } from '../errors.ts';
import type { KubeTarget } from '../kube/kube.ts';
import type { Project } from '../project.ts';

export interface GuardedCluster {
  readonly target: KubeTarget;
  readonly project: Whose;
  /** Where the container engine runs, when it is not on this machine: its clusters are as local as the engine is. */
  readonly engineHost: string | undefined;
}

/** A project as far as the guard is concerned. */
export interface Whose extends Pick<Project, 'cluster'> {
  /** The config that may name a context; undefined: there is none, and the command line does. */
  readonly file: string | undefined;
}

/**
 * Writes go to the context that the config names, or to a local cluster when it names none, and nowhere else.
 * @throws Failure `guard`.
 */
export function checkCluster({ target, project, engineHost }: GuardedCluster): void {
  const { context: named } = project.cluster;
  const { server, proxy } = target;
  const found = `context ${target.context} (${server}${proxy === undefined ? '' : ` by the proxy ${proxy}`})`;
  checkContext(target.context, project, found);
  if (named === target.context) return;
  if (isLocal(target, engineHost)) return;
  const { file } = project;
  throw new Failure(
    'guard',
    `${found} is not a local cluster, and ${file ? 'the config does not name it' : 'nothing names it'}`,
    {
      where: file,
      next: file
        ? `to allow it, set cluster.context: ${target.context} in ${file} (or in one of its environments)`
        : `if that is the one, name it: --context ${target.context}`,
    },
  );
}

/**
 * The part of the guard that needs no kubeconfig: a context that the config names is the only one, whatever --context says.
 * @throws Failure `guard`.
 */
export function checkContext(context: string, { cluster, file }: Whose, found = `context ${context}`): void {
  const { context: named } = cluster;
  if (named === undefined || named === context) return;
  throw new Failure('guard', `this project writes to context ${named} only, and ${found} is another one`, {
    where: file,
    next: `leave --context out, or change cluster.context${file ? ` in ${file}` : ''}`,
  });
}

/**
 * Whether the server is on this machine, or on the one that the engine runs on. Which machine an address leads to beyond a
 * proxy (an `ssh -D`, say) is the proxy's affair.
 */
export function isLocal({ server, proxy }: KubeTarget, engineHost: string | undefined): boolean {
  if (proxy !== undefined) return false;
  const host = new URL(server).hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host === '::1' || host === '0.0.0.0') return true;
  if (isIP(host) === 4 && host.startsWith('127.')) return true;
  return engineHost !== undefined && host === engineHost.toLowerCase();
}
