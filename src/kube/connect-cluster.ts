import type { Context } from '@kubernetes/client-node/dist/config_types.js';
import { Failure } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import { type Entry, computeAccess } from './credentials.ts';
import { HttpKube } from './http-kube.ts';
import type { Kube } from './kube.ts';
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
  const target = { context: context.name, server: cluster.server, namespace: context.namespace ?? 'default' };
  return new HttpKube(target, async () => {
    // Read anew each time: a 401 may mean that somebody has written new credentials there.
    const entry = await readEntry({ ...options, context: context.name });
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
  return { context, cluster, user: config.users.find(({ name }) => name === context.user) };
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
