import type { SourceOf } from '../logs/follow-logs.ts';
import { asksFor, readKindAndName } from '../logs/pod-query.ts';
import { projectLabel } from '../objects.ts';
import { openPodView } from '../pods/pod-view.ts';
import type { Project, Service } from '../project.ts';
import { learnApplied } from './learn-secrets.ts';
import { readSet } from './read-set.ts';
import { sourcesOf } from './sources.ts';
import { tellLogs, type TellOptions } from './tell-logs.ts';

export interface TailOptions extends TellOptions {
  readonly project: Project;
  /** Services and workloads, these also as `deploy/web`; `pod/web-0`. None means all. */
  readonly selection: readonly string[];
  /** The mask has learned the project's Secrets already; false: they are read from the cluster. */
  readonly knowsSecrets: boolean;
}

/**
 * The logs of what the project has in the cluster, by its inventory: neither a manifest nor an engine is needed.
 * @throws Failures `usage` for a selected name that nothing has.
 */
export async function tail(options: TailOptions): Promise<void> {
  const { kube, project, selection, mask, report, signal } = options;
  const { name, cluster, services, logs } = project;
  const words = selection.map((word) => readKindAndName(word) ?? word);
  const names = words.flatMap((word) => (typeof word === 'string' ? word : word.kind === 'workload' ? word.name : []));
  const set = await readSet(kube, project, names, signal);
  const namespaces = [...new Set([cluster.namespace, ...(set?.namespaces ?? [])])];
  if (!options.knowsSecrets) await learnApplied({ kube, project, namespaces, mask, report, signal });
  await using view = openPodView({ kube, namespaces, labelSelector: `${projectLabel}=${name}`, signal });
  const sourceOf = askedSources(services, words);
  const what = `project ${name}, namespace ${namespaces.join(', ')}`;
  await tellLogs({ view, sourceOf, exclude: logs.exclude, what }, options);
}

type Word = string | NonNullable<ReturnType<typeof readKindAndName>>;

function askedSources(services: readonly Service[], words: readonly Word[]): SourceOf {
  const names = words.filter((word) => typeof word === 'string');
  const others = words.filter((word) => typeof word !== 'string');
  const byName = sourcesOf(services, names);
  const any = sourcesOf(services, []);
  return (pod, container) => {
    if (others.some((word) => asksFor(word, pod))) return any(pod, container);
    return names.length > 0 || others.length === 0 ? byName(pod, container) : undefined;
  };
}
