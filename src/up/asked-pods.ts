import { Failure } from '../errors.ts';
import { pathOf } from '../kube/api-path.ts';
import { ApiError, type Kube } from '../kube/kube.ts';
import { nearest } from '../lib/nearest.ts';
import { choosesContainer, givenName, type LogChoice } from '../logs/log-choice.ts';
import type { KubeObject } from '../objects.ts';
import type { ContainerState, PodState } from '../pods/pod-state.ts';

/** A name of the command line, and what it means. */
export interface AskedName {
  /** As it is told: `web-.*`, `deployment/web`. */
  readonly text: string;
  readonly means: (pod: PodState, container: ContainerState) => boolean;
  /** The object of that name, where it is one that may have no pods. */
  readonly object?: { readonly apiVersion: string; readonly kind: string; readonly name: string } | undefined;
  /** Somebody has looked: it is no mistake where it has no pods. */
  readonly isKnown: boolean;
}

/** Whose logs are asked for. */
export interface Asked {
  /** A project's own comes first. */
  readonly namespaces: readonly string[] | 'all';
  /** undefined: the pods of anybody. */
  readonly project: string | undefined;
  /** The empty one takes every pod. */
  readonly selector: string;
  /** None: all of them. */
  readonly names: readonly AskedName[];
}

interface Looked {
  readonly kube: Kube;
  readonly asked: Asked;
  readonly choice: LogChoice;
  /** What stands in the namespaces with the selector. */
  readonly pods: readonly PodState[];
  readonly signal: AbortSignal;
}

/** @returns a Failure `usage` for every namespace, name and container that is not there, with the nearest that is. */
export async function findMissing(looked: Looked): Promise<readonly Failure[]> {
  const namespaces = await missingNamespaces(looked);
  const { asked, pods } = looked;
  if (namespaces.length > 0 && pods.length === 0) return namespaces;
  const names = await Promise.all(asked.names.map((name) => missingName(name, looked)));
  return [...namespaces, ...names.flat(), ...missingContainers(looked)];
}

/** @returns why nothing is shown where all that was named is there. */
export function tellNone({ asked, choice, pods }: Omit<Looked, 'kube' | 'signal'>): string {
  const { project, selector, names } = asked;
  const place = placeOf(asked.namespaces);
  const containers = containersOf(pods, asked);
  if (containers.length > 0) {
    const isChosen = containers.some(({ name }) => choosesContainer(choice, name));
    if (isChosen) return `logs.exclude of the config leaves out every container that is asked for`;
    return `no container of these pods is left: they have ${listed(containers.map(({ name }) => name))}`;
  }
  const who = project === undefined ? '' : ` of project ${project}`;
  const which = [...(selector === '' ? [] : [`-l ${selector}`]), ...names.map(({ text }) => text)];
  return which.length === 0 ? `no pods${who} in ${place}` : `no pods${who} match ${which.join(', ')} in ${place}`;
}

/** @returns `namespace a`, `namespaces a, b`, `any namespace`. */
function placeOf(namespaces: Asked['namespaces']): string {
  if (namespaces === 'all') return 'any namespace';
  return `${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${namespaces.join(', ')}`;
}

async function missingNamespaces({ kube, asked, pods, signal }: Looked): Promise<readonly Failure[]> {
  if (asked.namespaces === 'all') return [];
  // Where the inventory of a project names others than its own, nothing may ever have come into them.
  const namespaces = asked.project === undefined ? asked.namespaces : asked.namespaces.slice(0, 1);
  const unseen = namespaces.filter((name) => !pods.some(({ namespace }) => namespace === name));
  const found = await Promise.all(unseen.map((name) => ask(kube, namespacePath(name), signal)));
  const missing = unseen.filter((_, index) => found[index] === 'absent');
  if (missing.length === 0) return [];
  const all = await ask<{ readonly items: readonly KubeObject[] }>(kube, '/api/v1/namespaces', signal);
  const known = typeof all === 'string' ? [] : all.items.map(({ metadata }) => metadata.name);
  return missing.map((name) => absent(`no namespace ${name}`, name, known));
}

async function missingName(name: AskedName, { kube, asked, pods, signal }: Looked): Promise<readonly Failure[]> {
  if (name.isKnown || pods.some((pod) => pod.containers.some((container) => name.means(pod, container)))) return [];
  // A selector that takes no pod says nothing of what else is named.
  if (pods.length === 0 && asked.selector !== '') return [];
  const { object } = name;
  if (object && asked.namespaces !== 'all') {
    const resource = await kube.resource(object.apiVersion, object.kind, signal);
    const paths = asked.namespaces.map((namespace) => pathOf(resource, { namespace, name: object.name }));
    const found = await Promise.all(paths.map((path) => ask(kube, path, signal)));
    if (found.some((each) => each !== 'absent')) return [];
  }
  const what = object || name.text.includes('/') ? `no ${name.text}` : `no pod matches ${name.text}`;
  const known = pods.map(({ name, workload }) =>
    object ? `${workload.kind.toLowerCase()}/${workload.name}` : workload.kind === 'Node' ? name : workload.name,
  );
  const who = asked.project === undefined ? '' : ` of project ${asked.project}`;
  return [absent(`${what}${who} in ${placeOf(asked.namespaces)}`, name.text, [...new Set(known)])];
}

function missingContainers({ asked, choice, pods }: Looked): readonly Failure[] {
  const names = containersOf(pods, asked).map(({ name }) => name);
  if (names.length === 0) return [];
  return choice.containers
    .filter((pattern) => !names.some((name) => name.search(pattern) >= 0))
    .map(
      (pattern) =>
        new Failure('usage', `no container ${givenName(pattern)} in these pods: they have ${listed(names)}`, {
          where: '--container',
        }),
    );
}

function containersOf(pods: readonly PodState[], { names }: Asked): readonly ContainerState[] {
  return pods.flatMap((pod) =>
    pod.containers.filter((container) => names.length === 0 || names.some(({ means }) => means(pod, container))),
  );
}

function absent(message: string, name: string, known: readonly string[]): Failure {
  const near = nearest(name, known);
  if (near !== undefined) return new Failure('usage', `${message} (nearest: ${near})`);
  return new Failure('usage', message, known.length === 0 ? {} : { next: `there are: ${listed(known)}` });
}

const most = 12;

function listed(names: readonly string[]): string {
  const all = [...new Set(names)];
  return all.length <= most ? all.join(', ') : `${all.slice(0, most).join(', ')} and ${all.length - most} more`;
}

/** What may not be asked may be there. */
async function ask<T>(kube: Kube, path: string, signal: AbortSignal): Promise<T | 'absent' | 'unknown'> {
  try {
    return await kube.request<T>({ method: 'GET', path, signal });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.status === 404 ? 'absent' : 'unknown';
  }
}

function namespacePath(name: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(name)}`;
}
