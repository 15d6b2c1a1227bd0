import { clusterFailure } from '../deploy/ask.ts';
import { checkCluster, checkContext } from '../deploy/guard.ts';
import { type ClusterIdentity, readIdentity } from '../deploy/identity.ts';
import { connectEngine } from '../engine/connect-engine.ts';
import type { Engine, PublishedPort } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { type Destination, parseAnnounced, resolveRegistry } from '../images/registry.ts';
import { loadImage } from '../k3d/load-image.ts';
import { appLabel, clusterLabel } from '../k3d/names.ts';
import { type ClusterNode, nodesOfServer } from '../k3d/nodes.ts';
import { connectCluster } from '../kube/connect-cluster.ts';
import { listContexts } from '../kube/contexts.ts';
import { ApiError, type Kube } from '../kube/kube.ts';
import { Scope } from '../lib/scope.ts';
import type { KubeObject } from '../objects.ts';
import type { Project } from '../project.ts';
import { ensureCluster } from './ensure-cluster.ts';

/** Where a project is brought up: the engine that builds, the cluster that runs, and the way of an image between them. */
export interface Site {
  readonly engine: Engine;
  readonly kube: Kube;
  readonly identity: ClusterIdentity;
  readonly destination: Destination;
  /** Names this cluster and the way of an image to it. */
  readonly place: string;
  /** The nodes that are containers of this engine; empty for any other cluster. */
  readonly nodes: readonly ClusterNode[];
  /** What their cluster publishes on the engine's host. */
  readonly published: readonly PublishedPort[];
  readonly loadImage: (reference: string, signal: AbortSignal) => Promise<void>;
}

export interface SiteOptions {
  readonly project: Project;
  /** `--context`. */
  readonly context: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * Finds the engine and the cluster, makes the cluster when the config asks for that, and checks that it may be written to.
 * Whoever gets the site ends its engine and kube; where it can't be opened nothing is left open.
 *
 * @throws Failure `unreachable` when one does not answer, `guard` when the cluster is not ours to write to, `usage` when
 * there is no way for an image.
 */
export async function openSite(options: SiteOptions): Promise<Site> {
  // Before a cluster is made or started for a context that the guard refuses.
  if (options.context !== undefined) checkContext(options.context, options.project);
  const opened = new Scope();
  try {
    return await openParts(options, opened);
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw clusterFailure(error);
  }
}

async function openParts(options: SiteOptions, opened: Scope): Promise<Site> {
  const { project, env, report, signal } = options;
  const engine = opened.own(connectEngine(env));
  await engine.ping(signal);
  const context = await contextFor(options);
  if (project.cluster.create && context !== undefined)
    await ensureCluster(engine, context, project.cluster.create, options);
  const { kube, identity } = await openCluster({ ...options, context }, engine);
  opened.own(kube);
  const nodes = await nodesOfServer(engine, kube.target.server, signal);
  const destination = resolveRegistry({
    registry: project.registry,
    announced: project.registry === 'k3d' ? undefined : await readAnnounced(kube, signal),
    isK3d: nodes.length > 0,
  });
  if (destination.kind === 'load' && nodes.length === 0)
    throw new Failure('usage', `registry: k3d needs a k3d cluster, and ${kube.target.context} is none of this engine`, {
      next: 'name a registry that the cluster pulls from, as `registry: localhost:5000`',
    });
  report({
    type: 'session.started',
    project: project.name,
    context: kube.target.context,
    namespace: project.cluster.namespace,
  });
  return {
    engine,
    kube,
    identity,
    destination,
    place: `${identity.uid ?? identity.server} ${destination.kind === 'push' ? destination.pull : 'nodes'}`,
    nodes,
    published: await publishedPorts(engine, nodes, signal),
    loadImage: (reference, abort) => loadImage(engine, nodes, [reference], { signal: abort }),
  };
}

/**
 * The cluster alone, for commands that build nothing. `engine` widens what counts as local to the engine's own host.
 * @throws Failure `unreachable`, also for credentials that are not accepted; `guard`.
 */
export async function openCluster(
  { project, context, env, signal }: SiteOptions,
  engine?: Engine,
): Promise<{ readonly kube: Kube; readonly identity: ClusterIdentity }> {
  const kube = await connectCluster({ env, context: context ?? project.cluster.context });
  try {
    checkCluster({ target: kube.target, project, engineHost: engine && hostOf(engine.endpoint) });
    return { kube, identity: await readIdentity(kube, signal) };
  } catch (error) {
    await kube[Symbol.asyncDispose]();
    throw clusterFailure(error);
  }
}

/** The cluster of a context, for commands that only read: neither guarded nor identified. @throws as connectCluster. */
export function openForReading(context: string | undefined, env: NodeJS.ProcessEnv): Promise<Kube> {
  return connectCluster({ env, context });
}

/** @returns the context to use: named, else current, else the one that `cluster.create` makes. */
async function contextFor({ project, context, env }: SiteOptions): Promise<string | undefined> {
  const named = context ?? project.cluster.context;
  if (named !== undefined || !project.cluster.create) return named;
  return (await listContexts(env)).current ?? `k3d-${project.name}`;
}

/** A load balancer before the nodes publishes for them, so every container of their cluster counts. */
async function publishedPorts(
  engine: Engine,
  nodes: readonly ClusterNode[],
  signal: AbortSignal,
): Promise<readonly PublishedPort[]> {
  if (nodes.length === 0) return [];
  const containers = await engine.containers(appLabel, signal);
  const cluster = containers.find(({ id }) => nodes.some((node) => node.id === id))?.labels[clusterLabel];
  return containers.filter(({ labels }) => labels[clusterLabel] === cluster).flatMap(({ ports }) => ports);
}

/** KEP-1755: a local cluster says in kube-public which registry it pulls from, and under which name. */
async function readAnnounced(kube: Kube, signal: AbortSignal) {
  try {
    const found = await kube.request<KubeObject>({
      method: 'GET',
      path: '/api/v1/namespaces/kube-public/configmaps/local-registry-hosting',
      signal,
    });
    return parseAnnounced((found['data'] ?? {}) as Record<string, string>);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return undefined;
    throw error;
  }
}

function hostOf(endpoint: string): string | undefined {
  return endpoint.startsWith('tcp://') ? new URL(endpoint).hostname : undefined;
}
