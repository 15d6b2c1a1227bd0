import { listMembers } from '../deploy/list-members.ts';
import { clusterFailure } from '../deploy/ask.ts';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { readForwardWords } from '../forward/forward-words.ts';
import { openForwards } from '../forward/open-forwards.ts';
import { shiftRules } from '../forward/shift-ports.ts';
import type { Kube } from '../kube/kube.ts';
import { Scope } from '../lib/scope.ts';
import type { ObjectId } from '../objects.ts';
import { openPodView } from '../pods/pod-view.ts';
import type { Forward, ForwardTarget, Project } from '../project.ts';
import { askedRules, configuredRules, type Place } from './asked-rules.ts';
import { doubtsAbout } from './doubts.ts';
import { readSet } from './read-set.ts';
import { ToldOutages } from './told-outages.ts';

export interface HoldForwardsOptions {
  readonly kube: Kube;
  /** undefined: there is no config, and the words say it all. */
  readonly project: Project | undefined;
  /** Where names are looked for first. */
  readonly namespace: string;
  /** What is to be forwarded; none means what the config has. */
  readonly words: readonly string[];
  /** Added to every local port that is not chosen. */
  readonly portOffset: number;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * Opens local ports into the cluster and serves them until the signal is aborted, by what stands there: neither a manifest
 * nor an engine is needed, and nothing is written.
 *
 * @throws Failure `usage` for what is not there, or a port that can't be opened; `unreachable`; `refused`, also later, when the cluster
 * does not show its pods any more; AbortError.
 */
export async function holdForwards(options: HoldForwardsOptions): Promise<void> {
  const { kube, report, signal } = options;
  const place = await look(options).catch((error: unknown) => Promise.reject(clusterFailure(error)));
  const rules = shiftRules(await rulesOf(options, place), options.portOffset);
  await using scope = new Scope(signal);
  const forwards = scope.own(openForwards({ report }));
  await forwards.update(rules);
  const [first = options.namespace] = place.namespaces;
  const namespaceOf = ({ kind, name }: ForwardTarget) =>
    place.members.find((id) => id.kind === kind && id.name === name)?.namespace ?? first;
  const placeOf = (target: ForwardTarget) => target.namespace ?? namespaceOf(target);
  for (const { text, next } of await doubtsAbout(rules, { objects: [], kube, namespaceOf: placeOf, signal }))
    report({ type: 'warning', text, next });
  const outages = new ToldOutages(report);
  const view = scope.own(
    openPodView({
      kube,
      namespaces: [...new Set(rules.map(({ target }) => placeOf(target)))],
      labelSelector: '',
      signal: scope.signal,
      onLost: (cause) => outages.lost('the cluster', cause),
      onResumed: () => outages.resumed('the cluster'),
    }),
  );
  forwards.serve({ kube, view, seesAll: true, namespaceOf });
  report({ type: 'forward.ready', urls: forwards.endpoints });
  // A cluster that does not show its pods, or shows them no more, ends it: clients would be led to pods that are gone.
  await view.until(() => false, signal);
}

async function look({ kube, project, namespace, signal }: HoldForwardsOptions): Promise<Place> {
  const set = project && (await readSet(kube, project, [], signal));
  const members: readonly ObjectId[] = set ? (await listMembers(kube, set, signal)).members.map(({ id }) => id) : [];
  return { kube, namespaces: [namespace, ...(set?.namespaces ?? [])], project, members, signal };
}

async function rulesOf({ project, words }: HoldForwardsOptions, place: Place): Promise<readonly Forward[]> {
  const asked = readForwardWords(words);
  if (asked.length > 0) return (await Promise.all(asked.map((each) => askedRules(each, place)))).flat();
  const rules = project ? await configuredRules(project, place) : [];
  if (rules.length > 0) return rules;
  throw new Failure('usage', 'there is nothing to forward', {
    where: project?.file,
    next: 'name it, as `stormctl forward svc/web:8080:80`, or write `forward: auto` for every port of the Services',
  });
}
