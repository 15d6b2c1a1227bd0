import { deleteProject } from '../deploy/delete-project.ts';
import type { Reporter } from '../events.ts';
import { formatId } from '../objects.ts';
import type { Project } from '../project.ts';
import { openCluster, type Site } from '../up/site.ts';

interface TakeDownOptions {
  readonly context: string | undefined;
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
  { context, env, report }: TakeDownOptions,
  reason: unknown,
): Promise<void> {
  const { kube } = await openCluster({ project, context, env, report, signal: new AbortController().signal });
  await using _kube = kube;
  await endSession(project, { kube }, report, reason);
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
    volumes: false,
    namespaces: false,
    // The first Ctrl+C asked for this; the second one does not wait for it.
    signal: new AbortController().signal,
    report,
  });
  return report({ type: 'session.ended', left: left.map(({ id, because: why }) => `${formatId(id)}: ${why}`) });
}

function sayWhy(reason: unknown): string {
  return reason instanceof Error ? reason.message : 'asked to';
}
