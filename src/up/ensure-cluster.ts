import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { type ClusterSpec, createCluster } from '../k3d/create-cluster.ts';
import { deleteCluster } from '../k3d/delete-cluster.ts';
import { mergeKubeconfig, removeFromKubeconfig } from '../k3d/kubeconfig-file.ts';
import { findCluster } from '../k3d/nodes.ts';
import { startCluster } from '../k3d/start-cluster.ts';
import { connectCluster } from '../kube/connect-cluster.ts';
import { listContexts } from '../kube/contexts.ts';
import { ApiError, type Kube } from '../kube/kube.ts';
import { backoff, wait } from '../lib/wait.ts';
import { fieldManager } from '../objects.ts';
import type { ClusterCreate } from '../project.ts';

export interface ClusterMaking {
  readonly env: NodeJS.ProcessEnv;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/** Of a node, unless the config, a flag or STORMCTL_K3S_IMAGE names another. */
const defaultNodeImage = 'rancher/k3s:v1.33.6-k3s1';

/**
 * Makes the cluster `k3d-NAME` when the kubeconfig has no such context, and starts it when it is stopped. Nothing happens
 * to one that runs, nor to a context that is no cluster of this engine.
 */
export async function ensureCluster(
  engine: Engine,
  context: string,
  create: ClusterCreate,
  making: ClusterMaking,
): Promise<void> {
  const name = context.replace(/^k3d-/, '');
  const { contexts } = await listContexts(making.env);
  if (!contexts.includes(context)) {
    if (!context.startsWith('k3d-'))
      throw new Failure(
        'usage',
        `cluster.create makes a context that begins with k3d-, and cluster.context is ${context}`,
        {
          next: `name it k3d-${context}, or leave cluster.create out`,
        },
      );
    await makeCluster(engine, { name, ...create, image: nodeImage(create.image, making.env) }, making);
    return;
  }
  const cluster = context.startsWith('k3d-') ? await findCluster(engine, name, making.signal) : undefined;
  if (!cluster || cluster.running) return;
  making.report({ type: 'note', text: `starting the cluster ${name}` });
  await startCluster(engine, name, making);
  await using kube = await connectCluster({ env: making.env, context });
  await untilItTakesPods(kube, making.signal);
}

/** @returns the context of the new cluster, which the kubeconfig has from then on without switching to it. */
export async function makeCluster(
  engine: Engine,
  spec: Omit<ClusterSpec, 'registriesFile'> & { readonly registriesFile: string | undefined },
  { env, report, signal }: ClusterMaking,
): Promise<string> {
  report({ type: 'note', text: `making the cluster ${spec.name}` });
  const registriesFile = spec.registriesFile ?? env['STORMCTL_K3S_REGISTRIES'];
  const created = await createCluster(engine, { ...spec, registriesFile }, { report, signal });
  const context = created.kubeconfig.name;
  try {
    await mergeKubeconfig(kubeconfigFile(env), created.kubeconfig, signal);
    await using kube = await connectCluster({ env, context });
    await untilItTakesPods(kube, signal);
    if (created.registry) await announce(kube, created.registry.hosting, signal);
  } catch (error) {
    // Nobody asked for half a cluster, and the abort that may have brought us here must not keep it.
    const { signal: never } = new AbortController();
    await deleteCluster(engine, spec.name, { report, signal: never });
    await removeFromKubeconfig(kubeconfigFile(env), context, never);
    throw error;
  }
  return context;
}

export function nodeImage(named: string | undefined, env: NodeJS.ProcessEnv): string {
  return named ?? env['STORMCTL_K3S_IMAGE'] ?? defaultNodeImage;
}

/** The file that kubectl would write to: the first that KUBECONFIG names. */
export function kubeconfigFile(env: NodeJS.ProcessEnv): string {
  const first = (env['KUBECONFIG'] ?? '').split(delimiter).find((file) => file !== '');
  return first ?? join(env['HOME'] ?? homedir(), '.kube', 'config');
}

/**
 * A node that says it is up may answer a moment later, and pods are refused until the controllers have made the service
 * account of their namespace.
 */
async function untilItTakesPods(kube: Kube, signal: AbortSignal): Promise<void> {
  const delays = backoff(50, 500);
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      await kube.request({ method: 'GET', path: '/api/v1/namespaces/default/serviceaccounts/default', signal });
      return;
    } catch (error) {
      const young =
        (error instanceof ApiError && error.status !== 401) ||
        (error instanceof Failure && error.kind === 'unreachable');
      if (!young || performance.now() > deadline) throw error;
    }
    await wait(delays.next(), signal);
  }
}

/** KEP-1755: says to every tool which registry the cluster pulls from. */
async function announce(kube: Kube, hosting: string, signal: AbortSignal): Promise<void> {
  const namespace = 'kube-public';
  const name = 'local-registry-hosting';
  await kube.request({
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}/configmaps/${name}`,
    query: { fieldManager, force: true },
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data: { 'localRegistryHosting.v1': hosting },
    },
    signal,
  });
}
