import { deleteProject } from '../deploy/delete-project.ts';
import type { ClusterIdentity } from '../deploy/identity.ts';
import { nothingAsked } from '../deploy/protected.ts';
import type { Reporter } from '../events.ts';
import { never } from '../lib/abort.ts';
import { formatId } from '../objects.ts';
import type { Project } from '../project.ts';
import { holdCluster } from '../up/hold-cluster.ts';
import { openCluster, type Site } from '../up/site.ts';

interface TakeDownOptions {
  readonly context: string | undefined;
  readonly expected?: ClusterIdentity | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Reporter;
}

/** What Ctrl+C will do. */
export function onExitText({ onExit, cluster }: Project): string {
  return onExit === 'keep'
    ? 'Ctrl+C ends this session and leaves everything running'
    : `Ctrl+C deletes what was applied and keeps volumes and the namespace ${cluster.namespace}`;
}

/** For an abort between two sessions, when the cluster is not open. */
export async function takeDown(
  project: Project,
  { context, expected, env, report }: TakeDownOptions,
  reason: unknown,
): Promise<void> {
  const opened = await openCluster({ project, context, expected, env, report, signal: never });
  await using _kube = opened.kube;
  const ref = { name: project.name, namespace: project.cluster.namespace };
  await using held = await holdCluster(opened, { ref, command: 'dev', makesNamespace: false, report, signal: never });
  await endSession(project, held, report, reason);
}

/**
 * Takes down what the session applied, unless the config says keep.
 *
 * @param reason why it ends: an Error whose message is told. @throws what `deleteProject` throws.
 */
export async function endSession(
  project: Project,
  { kube }: Pick<Site, 'kube'>,
  report: Reporter,
  reason: unknown,
): Promise<void> {
  report({ type: 'session.ending', because: sayWhy(reason) });
  if (project.onExit === 'keep') return report({ type: 'session.ended', left: [], kept: true });
  const { name, cluster } = project;
  const { left } = await deleteProject({
    kube,
    name,
    namespace: cluster.namespace,
    ...nothingAsked,
    // The first Ctrl+C asked for this; the second one does not wait for it.
    signal: never,
    report,
  });
  return report({ type: 'session.ended', left: left.map(({ id, because: why }) => `${formatId(id)}: ${why}`) });
}

function sayWhy(reason: unknown): string {
  return reason instanceof Error ? reason.message : 'asked to';
}
