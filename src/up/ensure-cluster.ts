import { clusterFailure } from '../deploy/ask.ts';
import type { Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { type ClusterSpec, createCluster } from '../k3d/create-cluster.ts';
import { deleteCluster } from '../k3d/delete-cluster.ts';
import { elapsed } from '../k3d/elapsed.ts';
import { addToKubeconfig, removeFromKubeconfig } from '../k3d/kubeconfig-file.ts';
import { findCluster } from '../k3d/nodes.ts';
import { RollBack } from '../k3d/roll-back.ts';
import { startCluster } from '../k3d/start-cluster.ts';
import { connectCluster } from '../kube/connect-cluster.ts';
import { listContexts } from '../kube/contexts.ts';
import { ApiError, type Kube } from '../kube/kube.ts';
import { kubeconfigFile } from '../kube/kubeconfig.ts';
import { never } from '../lib/abort.ts';
import { backoff, wait } from '../lib/wait.ts';
import { fieldManager } from '../objects.ts';
import type { ClusterCreate } from '../project.ts';

export interface ClusterMaking {
  readonly env: NodeJS.ProcessEnv;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/** A cluster as a flag or the config asks for it. */
export interface AskedCluster extends ClusterCreate {
  readonly name: string;
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
    await makeCluster(engine, withDefaults({ name, ...create }, making.env), making);
    return;
  }
  const cluster = context.startsWith('k3d-') ? await findCluster(engine, name, making.signal) : undefined;
  if (!cluster || cluster.running) return;
  const { env, report, signal } = making;
  const startedAt = performance.now();
  report({ type: 'note', text: `starting the cluster ${name}` });
  await startCluster(engine, name, making);
  await using kube = await connectCluster({ env, context });
  await untilItTakesPods(kube, signal);
  report({ type: 'note', text: `cluster ${name} takes pods after ${elapsed(startedAt)}` });
}

/** @returns the context of the new cluster, which the kubeconfig has from then on without switching to it. */
export async function makeCluster(
  engine: Engine,
  spec: ClusterSpec,
  { env, report, signal }: ClusterMaking,
): Promise<string> {
  const startedAt = performance.now();
  report({ type: 'note', text: `making the cluster ${spec.name} of ${spec.image}` });
  const created = await createCluster(engine, spec, { report, signal });
  const context = created.kubeconfig.name;
  const file = kubeconfigFile(env);
  // Nobody asked for half a cluster, and the abort that may have brought us there must not keep it.
  const rollBack = new RollBack();
  const command = `stormctl cluster delete ${spec.name}`;
  rollBack.add(command, async () => void (await deleteCluster(engine, spec.name, { report, signal: never })));
  try {
    rollBack.add(command, () => removeFromKubeconfig(file, context, never));
    await addToKubeconfig(file, created.kubeconfig, signal);
    await using kube = await connectCluster({ env, context });
    await untilItTakesPods(kube, signal);
    if (created.registry) await announce(kube, created.registry.hosting, signal);
    report({ type: 'note', text: `cluster ${spec.name} takes pods after ${elapsed(startedAt)}` });
  } catch (error) {
    await rollBack.run(report);
    throw clusterFailure(error);
  }
  return context;
}

/** What neither a flag nor the config says is taken from STORMCTL_K3S_IMAGE and STORMCTL_K3S_REGISTRIES. */
export function withDefaults(asked: AskedCluster, env: NodeJS.ProcessEnv): ClusterSpec {
  return {
    ...asked,
    image: asked.image ?? (env['STORMCTL_K3S_IMAGE'] || defaultNodeImage),
    registriesFile: asked.registriesFile ?? (env['STORMCTL_K3S_REGISTRIES'] || undefined),
  };
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
      const young = error instanceof ApiError || (error instanceof Failure && error.kind === 'unreachable');
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
