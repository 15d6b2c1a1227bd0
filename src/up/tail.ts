import type { Drained, Reporter } from '../events.ts';
import type { Kube } from '../kube/kube.ts';
import type { Mask } from '../lib/mask.ts';
import { followLogs } from '../logs/follow-logs.ts';
import { readLogs } from '../logs/read-logs.ts';
import { projectLabel } from '../objects.ts';
import { openPodView } from '../pods/pod-view.ts';
import type { Project } from '../project.ts';
import { learnApplied } from './learn-secrets.ts';
import { readSet } from './read-set.ts';
import { sourcesOf } from './sources.ts';

export interface TailOptions {
  readonly kube: Kube;
  readonly project: Project;
  readonly selection: readonly string[];
  readonly follow: boolean;
  /** The last lines of each container that is there; undefined: all. */
  readonly tailLines: number | undefined;
  readonly mask: Mask;
  /** The mask has learned the project's Secrets already; false: they are read from the cluster. */
  readonly knowsSecrets: boolean;
  readonly report: Reporter;
  readonly drained: Drained;
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
  mask,
  knowsSecrets,
  report,
  drained,
  signal,
}: TailOptions): Promise<void> {
  const { name, cluster, services, logs } = project;
  const set = await readSet(kube, project, selection, signal);
  const namespaces = [cluster.namespace, ...(set?.namespaces ?? [])];
  if (!knowsSecrets) await learnApplied({ kube, project, namespaces, mask, report, signal });
  await using view = openPodView({
    kube,
    namespaces,
    labelSelector: `${projectLabel}=${name}`,
    signal,
  });
  const shared = {
    kube,
    view,
    sourceOf: sourcesOf(services, selection),
    exclude: logs.exclude,
    mask,
    report,
    drained,
    signal,
  };
  if (!follow) await readLogs({ ...shared, tailLines });
  else await followLogs({ ...shared, start: tailLines === undefined ? 'all' : { tailLines } });
}
