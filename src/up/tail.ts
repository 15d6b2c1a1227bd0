import type { SourceOf } from '../logs/follow-logs.ts';
import { asksFor, readKindAndName, textOfWord, workloadOf } from '../logs/pod-query.ts';
import { projectLabel } from '../objects.ts';
import { openPodView } from '../pods/pod-view.ts';
import type { Project, Service } from '../project.ts';
import type { AskedName } from './asked-pods.ts';
import { knownSecretsOf } from './learn-secrets.ts';
import { readSet } from './read-set.ts';
import { sourcesOf } from './sources.ts';
import { tellLogs, type TellOptions } from './tell-logs.ts';
import { tellLogin } from './told-outages.ts';

export interface TailOptions extends TellOptions {
  readonly project: Project;
  /** Services and workloads, these also as `deploy/web`; `pod/web-0`. None means all. */
  readonly selection: readonly string[];
}

/**
 * The logs of what the project has in the cluster, by its inventory: neither a manifest nor an engine is needed.
 * @throws Failures `usage` for a selected name that nothing has and, unless they are followed, for a namespace or container
 * that is not there.
 */
export async function tail(options: TailOptions): Promise<void> {
  const { kube, project, selection, mask, report, signal } = options;
  const { name, cluster, services, logs } = project;
  const words = selection.map((word) => readKindAndName(word) ?? word);
  const names = words.flatMap((word) => (typeof word === 'string' ? word : word.kind === 'workload' ? word.name : []));
  const set = await readSet(kube, project, names, signal);
  const namespaces = [...new Set([cluster.namespace, ...(set?.namespaces ?? [])])];
  await using secrets = knownSecretsOf({ kube, project, mask, report: options.remark, signal });
  if (options.choice.follow) secrets?.watch(namespaces);
  await using view = openPodView({
    kube,
    namespaces,
    labelSelector: `${projectLabel}=${name}`,
    signal,
    ...tellLogin(report),
  });
  const sourceOf = askedSources(services, words);
  const asked = { namespaces, project: name, selector: '', names: words.map((word) => askedName(services, word)) };
  await tellLogs({ view, sourceOf, exclude: logs.exclude, asked, secrets }, options);
}

type Word = string | NonNullable<ReturnType<typeof readKindAndName>>;

function askedName(services: readonly Service[], word: Word): AskedName {
  // The inventory has it, or there is none yet: then it may come.
  if (typeof word === 'string') {
    const sourceOf = sourcesOf(services, [word]);
    return { text: word, means: (pod, container) => sourceOf(pod, container) !== undefined, isKnown: true };
  }
  return {
    text: textOfWord(word),
    means: (pod) => asksFor(word, pod),
    object: workloadOf(word),
    isKnown: word.kind === 'workload',
  };
}

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
