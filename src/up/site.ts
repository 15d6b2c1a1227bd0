import { clusterFailure } from '../deploy/ask.ts';
import { type Gate, GatedKube } from '../deploy/gated-kube.ts';
import { checkCluster, checkContext, isLocal, type Whose } from '../deploy/guard.ts';
import { IdentityGate } from '../deploy/identity-gate.ts';
import { checkIdentity, type ClusterIdentity, readIdentity } from '../deploy/identity.ts';
import { engineHostOf } from '../engine/address.ts';
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
import { Patience } from '../kube/patience.ts';
import { PatientKube } from '../kube/patient-kube.ts';
import { Scope } from '../lib/scope.ts';
import type { KubeObject } from '../objects.ts';
import type { Project } from '../project.ts';
import { ensureCluster } from './ensure-cluster.ts';
import { ToldOutages } from './told-outages.ts';

/** A cluster that may be written to, for as long as it is the one that it was at the first read. */
export interface OpenCluster {
  readonly kube: Kube;
  readonly identity: ClusterIdentity;
  /** Whether it is on this machine, or on the engine's. */
  readonly isLocal: boolean;
  /** Aborted, with a Failure `guard` as its reason, once it is another one. */
  readonly other: AbortSignal;
  /** @returns the same cluster, whose writes have to pass this gate too, each time that they are made. */
  readonly behind: (gate: Gate) => Kube;
}

/** Where a project is brought up: the engine that builds, the cluster that runs, and the way of an image between them. */
export interface Site extends OpenCluster {
  readonly engine: Engine;
  readonly destination: Destination;
  /** Names this cluster and the way of an image to it. */
  readonly place: string;
  /** The nodes that are containers of this engine; empty for any other cluster. */
  readonly nodes: readonly ClusterNode[];
  /** What their cluster publishes on the engine's host. */
  readonly published: readonly PublishedPort[];
  readonly loadImage: (reference: string, signal: AbortSignal) => Promise<void>;
}

export interface ClusterOptions {
  readonly project: Whose;
  /** `--context`. */
  readonly context: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Reporter;
  readonly signal: AbortSignal;
  /** Who waits for a cluster that goes away later on, and tells it. Default: each request. */
  readonly waits?: 'session';
  /** The cluster that a person has said yes to. */
  readonly expected?: ClusterIdentity | undefined;
}

export interface SiteOptions extends ClusterOptions {
  readonly project: Project;
}

/**
 * Finds the engine and the cluster, makes the cluster when the config asks for that, and checks that it may be written to.
 * Whoever gets the site ends its engine and kube; where it can't be opened nothing is left open.
 *
 * @throws Failure `unreachable` when one does not answer, `refused` when it says no, `guard` when the cluster is not ours to write to, `usage` when
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
  const pinged = engine.ping(signal);
  // Awaited below, when the cluster has been asked too: neither waits for the other.
  pinged.catch(() => {});
  const context = await contextFor(options);
  if (project.cluster.create && context !== undefined) {
    await pinged;
    await ensureCluster(engine, context, project.cluster.create, options);
  }
  const opening = openCluster({ ...options, context }).then((cluster) => {
    opened.own(cluster.kube);
    return cluster;
  });
  const [engineSays, clusterSays] = await Promise.allSettled([pinged, opening]);
  for (const said of [engineSays, clusterSays]) if (said.status === 'rejected') throw said.reason;
  const cluster = await opening;
  const { kube, identity } = cluster;
  const [nodes, announced] = await Promise.all([
    nodesOfServer(engine, kube.target.server, signal),
    project.registry === 'k3d' ? undefined : readAnnounced(kube, signal),
  ]);
  // Where no image is built none needs a way.
  const canLoad = nodes.length > 0 || project.services.length === 0;
  const destination = resolveRegistry({ registry: project.registry, announced, canLoad });
  if (destination.kind === 'load' && !canLoad)
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
    ...cluster,
    engine,
    destination,
    place: `${identity.uid ?? identity.server} ${destination.kind === 'push' ? destination.pull : 'nodes'}`,
    nodes,
    published: await publishedPorts(engine, nodes, signal),
    loadImage: (reference, abort) => loadImage(engine, nodes, [reference], { signal: abort }),
  };
}

/**
 * The cluster alone, for commands that build nothing.
 * @throws Failure `unreachable`; `refused`, also for credentials that are not accepted; `guard`.
 */
export async function openCluster({
  project,
  context,
  env,
  report,
  signal,
  waits,
  expected,
}: ClusterOptions): Promise<OpenCluster> {
  const kube = await connectCluster({ env, context: context ?? project.cluster.context });
  try {
    const engineHost = engineHostOf(env);
    checkCluster({ target: kube.target, project, engineHost });
    const patience = waits === 'session' ? forSession() : toldPatience(report, signal);
    const patient = new PatientKube(kube, patience);
    const identity = expected ?? (await readIdentity(patient, signal));
    if (expected) await checkIdentity(patient, expected, signal);
    const gate = new IdentityGate(kube, identity);
    const gated = new GatedKube(kube, gate);
    return {
      kube: new PatientKube(gated, patience),
      identity,
      isLocal: isLocal(kube.target, engineHost),
      other: gate.other,
      behind: (another) => new PatientKube(new GatedKube(gated, another), patience),
    };
  } catch (error) {
    await kube[Symbol.asyncDispose]();
    throw clusterFailure(error);
  }
}

/** The cluster of a context, for commands that only read: neither guarded nor identified. @throws as connectCluster. */
export async function openForReading(context: string | undefined, env: NodeJS.ProcessEnv): Promise<Kube> {
  return new PatientKube(await connectCluster({ env, context }), new Patience());
}

function toldPatience(report: Reporter, signal: AbortSignal): Patience {
  const outages = new ToldOutages(report);
  return new Patience({
    signal,
    onLost: (cause) => outages.lost('the cluster', cause),
    onAnswer: () => outages.resumed('the cluster'),
  });
}

/** What lasts for more than a moment is the session's affair. */
function forSession(): Patience {
  return new Patience({ awayMs: 0, busyMs: 5000 });
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
