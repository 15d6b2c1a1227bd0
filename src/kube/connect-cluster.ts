import type { Context } from '@kubernetes/client-node/dist/config_types.js';
import { Failure } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import { type Entry, computeAccess } from './credentials.ts';
import { HttpKube } from './http-kube.ts';
import type { Kube, KubeTarget } from './kube.ts';
import { type KubeconfigOptions, kubeconfigFiles, mergeKubeconfig } from './kubeconfig.ts';

export interface ConnectOptions extends KubeconfigOptions {
  /** Default: the current one. */
  readonly context?: string | undefined;
}

/**
 * A client for the cluster of a context. Nothing is asked of the cluster yet; credentials are computed at the first
 * request (an exec plugin runs then), and again when the server no longer takes them.
 *
 * @throws Failure `usage` when the context is absent, `unreachable` when there is no kubeconfig or it can't be used.
 */
export async function connectCluster(options: ConnectOptions): Promise<Kube> {
  const { context, cluster } = await readEntry(options);
  const { server, proxyUrl } = cluster;
  const namespace = context.namespace ?? 'default';
  const target = { context: context.name, server, ...(proxyUrl ? { proxy: withoutLogin(proxyUrl) } : {}), namespace };
  return new HttpKube(target, async () => {
    // Read anew each time: a 401 may mean that somebody has written new credentials there.
    const entry = await readEntry({ ...options, context: context.name });
    const now = entry.cluster;
    if (now.server !== server || now.proxyUrl !== proxyUrl) throw movedAway(target, now.server);
    return computeAccess(entry, options.env);
  });
}

async function readEntry(options: ConnectOptions): Promise<Entry> {
  const config = await mergeKubeconfig(options);
  const { contexts } = config;
  if (contexts.length === 0) throw noKubeconfig(options);
  const wanted = options.context ?? config.currentContext;
  const context = contexts.find(({ name }) => name === wanted);
  if (!context) throw noContext(wanted, contexts);
  const cluster = config.clusters.find(({ name }) => name === context.cluster);
  if (!cluster)
    throw new Failure(
      'unreachable',
      `the context ${context.name} names the cluster ${context.cluster}, which the kubeconfig does not have`,
      { where: kubeconfigFiles(options).join(', '), next: 'mend it: kubectl config set-cluster' },
    );
  const user = config.users.find(({ name }) => name === context.user);
  // Without its user every request would be that of system:anonymous; a context that names none means that.
  if (!user && context.user)
    throw new Failure(
      'unreachable',
      `the context ${context.name} names the user ${context.user}, which the kubeconfig does not have`,
      {
        where: kubeconfigFiles(options).join(', '),
        detail: namesOf(config.users),
        next: `name another: kubectl config set-context ${context.name} --user=NAME; or add it: kubectl config set-credentials ${context.user}`,
      },
    );
  return { context, cluster, user };
}

function namesOf(users: readonly { readonly name: string }[]): string | undefined {
  return users.length === 0 ? undefined : `it has: ${users.map(({ name }) => name).join(', ')}`;
}

function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//');
}

/** New credentials are one thing, another cluster under the old name is another. */
function movedAway({ context, server }: KubeTarget, now: string): Failure {
  return new Failure('guard', `context ${context} now leads to another cluster than when this began`, {
    where: now,
    detail: `it led to ${server}, and the kubeconfig has been changed since`,
    next: 'nothing was written to it; start again if that is the cluster you want',
  });
}

function noKubeconfig(options: ConnectOptions): Failure {
  return new Failure('unreachable', 'there is no kubeconfig, so no cluster to speak to', {
    where: kubeconfigFiles(options).join(', '),
    next: 'set KUBECONFIG to one, or make a cluster: stormctl cluster create NAME',
  });
}

function noContext(wanted: string | undefined, contexts: readonly Context[]): Failure {
  const names = contexts.map(({ name }) => name);
  const near = nearest(wanted ?? '', names);
  const sorted = [...new Set([...(near === undefined ? [] : [near]), ...names])];
  return new Failure(
    'usage',
    wanted ? `the kubeconfig has no context ${wanted}` : 'the kubeconfig has no current context',
    {
      detail: `it has: ${sorted.join(', ')}`,
      next: wanted && near ? `did you mean ${near}?` : 'name one of these with --context, or as cluster.context',
    },
  );
}
