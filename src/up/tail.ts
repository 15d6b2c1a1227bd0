import { type ApplySet, listMembers, readApplySet } from '../deploy/apply-set.ts';
import { clusterFailure } from '../deploy/ask.ts';
import { Failures } from '../errors.ts';
import type { Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import { followLogs } from '../logs/follow-logs.ts';
import { readLogs } from '../logs/read-logs.ts';
import { projectLabel } from '../objects.ts';
import { openPodView } from '../pods/pod-view.ts';
import type { Project, Service } from '../project.ts';
import { sourcesOf } from './sources.ts';
import { unknownSources } from './unknown-sources.ts';

export interface TailOptions {
  readonly kube: Kube;
  readonly project: Project;
  readonly selection: readonly string[];
  readonly follow: boolean;
  /** The last lines of each container that is there; undefined: all. */
  readonly tailLines: number | undefined;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * The logs of what the project has in the cluster, by its inventory: neither a manifest nor an engine is needed.
 * @throws Failures `usage` for a selected name that nothing has.
 */
export async function tail({
  kube,
  project,
  selection,
  follow,
  tailLines,
  report,
  signal,
}: TailOptions): Promise<void> {
  const { name, cluster, services, logs } = project;
  const set = await readSet(kube, project, selection, signal);
  await using view = openPodView({
    kube,
    namespaces: [cluster.namespace, ...(set?.namespaces ?? [])],
    labelSelector: `${projectLabel}=${name}`,
    signal,
  });
  const shared = { kube, view, sourceOf: sourcesOf(services, selection), exclude: logs.exclude, report, signal };
  if (!follow) await readLogs({ ...shared, tailLines });
  else await followLogs({ ...shared, start: tailLines === undefined ? 'all' : { tailLines } });
}

async function readSet(
  kube: Kube,
  { name, cluster, services }: Project,
  selection: readonly string[],
  signal: AbortSignal,
): Promise<ApplySet | undefined> {
  try {
    const set = await readApplySet(kube, { name, namespace: cluster.namespace }, signal);
    if (set && selection.length > 0) await checkSelection(kube, set, selection, services, signal);
    return set;
  } catch (error) {
    throw clusterFailure(error);
  }
}

/** Where nothing stands in the cluster yet, any name may be that of a workload to come. */
async function checkSelection(
  kube: Kube,
  set: ApplySet,
  selection: readonly string[],
  services: readonly Service[],
  signal: AbortSignal,
): Promise<void> {
  // Of the core kinds only Pods run containers.
  const members = (await listMembers(kube, set, signal)).filter(
    ({ id }) => id.apiVersion !== 'v1' || id.kind === 'Pod',
  );
  if (members.length === 0) return;
  const [first, ...rest] = unknownSources(selection, [
    ...services.map(({ name }) => name),
    ...members.map(({ id }) => id.name),
  ]);
  if (first) throw new Failures([first, ...rest]);
}
