import { clusterFailure } from '../deploy/ask.ts';
import { Failure } from '../errors.ts';
import { autoRules } from '../forward/auto-rules.ts';
import { whyNoPods, whyNoPort } from '../forward/find-upstream.ts';
import type { AskedForward } from '../forward/forward-words.ts';
import { isForbidden, type Kube } from '../kube/kube.ts';
import { nearest } from '../lib/nearest.ts';
import { imagesOf } from '../manifests/images.ts';
import { formatId, type KubeObject, type ObjectId } from '../objects.ts';
import type { Forward, ForwardKind, Project } from '../project.ts';
import { containerPorts, factsOf } from './port-facts.ts';
import { type NamedTarget, readTarget } from './read-target.ts';
import { serviceOf } from './sources.ts';

/** What is looked at for rules when no manifest is: a cluster, and what a project has in it. */
export interface Place {
  readonly kube: Kube;
  /** In the order in which a name is looked for in them. */
  readonly namespaces: readonly string[];
  readonly project: Project | undefined;
  /** What was applied of the project. */
  readonly members: readonly ObjectId[];
  readonly signal: AbortSignal;
}

const byName: readonly ForwardKind[] = [
  'Service',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'Pod',
  'Job',
  'ReplicaSet',
];
const workloads: readonly ForwardKind[] = ['Deployment', 'StatefulSet', 'DaemonSet', 'Pod'];

/** The rules of a project's config, by what stands in the cluster. @throws Failure `usage`, `unreachable`, `refused`. */
export async function configuredRules(project: Project, place: Place): Promise<readonly Forward[]> {
  const own = await Promise.all(
    project.services
      .filter(({ forward }) => forward.length > 0)
      .map(async ({ name, forward }) => {
        const target = await workloadOf(name, project, place);
        return forward.map(
          ({ local, port, at }): Forward => ({ target: targetOf(target), port, local, address: '127.0.0.1', at }),
        );
      }),
  );
  const explicit = [...project.forward, ...own.flat()];
  if (!project.autoForward) return explicit;
  const services = place.members.filter(({ kind, apiVersion }) => kind === 'Service' && apiVersion === 'v1');
  const objects = await Promise.all(
    services.map(({ name, namespace = '' }) =>
      readTarget(place.kube, { kind: 'Service', name, namespace }, place.signal),
    ),
  );
  const there = objects.filter((object) => object !== undefined);
  return [...explicit, ...autoRules(there, project.autoForward, explicit)];
}

/**
 * The rules that words of the command line ask for: of a name alone those that the config has for it, else all ports of
 * whatever has the name.
 *
 * @throws Failure `usage` for what is not there, `unreachable`, `refused`.
 */
export async function askedRules(asked: AskedForward, place: Place): Promise<readonly Forward[]> {
  const configured = asked.ports.length === 0 ? await configuredFor(asked, place) : [];
  if (configured.length > 0) return configured;
  const object = await find(asked, place);
  const target = targetOf(object);
  if (object.kind === 'Service') checkService(object, asked);
  if (asked.ports.length > 0)
    return asked.ports.map(({ port, local }) => ({
      target,
      port,
      local,
      address: '127.0.0.1',
      at: undefined,
      facts: factsOf(object, port),
    }));
  const rules = object.kind === 'Service' ? autoRules([object], { offset: 0, at: undefined }, []) : declaredBy(object);
  if (rules.length > 0) return rules;
  throw new Failure('usage', `${formatId(target)} names no port`, {
    where: placeOf(object),
    next: `name one, as ${formatId(target)}:8080`,
  });
}

async function configuredFor({ kind, name }: AskedForward, place: Place): Promise<readonly Forward[]> {
  const { project } = place;
  if (!project) return [];
  const own = kind === undefined ? project.services.filter((service) => service.name === name) : [];
  const forward = project.forward.filter(
    ({ target }) => target.name === name && (kind === undefined || target.kind === kind),
  );
  return configuredRules({ ...project, services: own, forward, autoForward: undefined }, place);
}

/** @returns the object that is meant. @throws Failure `usage` when there is none. */
async function find({ kind, name, ports }: AskedForward, place: Place): Promise<KubeObject> {
  let second: KubeObject | undefined;
  for (const namespace of place.namespaces)
    for (const each of kind === undefined ? byName : [kind]) {
      const object = await readIfShown(place, { kind: each, name, namespace }, kind !== undefined);
      if (!object) continue;
      if (kind !== undefined || ports.every(({ port }) => hasPort(object, port))) return object;
      second ??= object;
    }
  if (second) return second;
  const { project, namespaces } = place;
  if (kind === undefined && project?.services.some((service) => service.name === name))
    return workloadOf(name, project, place);
  const near = nearest(
    name,
    place.members.filter((id) => byName.some((each) => each === id.kind)).map((id) => id.name),
  );
  const what = kind === undefined ? `nothing called ${name}` : `no ${formatId({ kind, name })}`;
  throw new Failure('usage', `there is ${what} to forward to in ${namespaces.join(' or ')}`, {
    next:
      near === undefined
        ? 'name another namespace with -n, or see `kubectl get services,pods`'
        : `did you mean ${near}?`,
  });
}

/** Whether it is more likely than others of its name to be meant. A pod need not declare the ports that it listens on. */
function hasPort(object: KubeObject, port: number | string): boolean {
  if (object.kind === 'Service') return whyNoPort('', object, port) === undefined;
  const ports = containerPorts(object);
  return ports.length === 0 || ports.some(({ containerPort, name }) => containerPort === port || name === port);
}

/** @throws Failure `usage` for what no pod that comes can mend. */
function checkService(service: KubeObject, { ports }: AskedForward): void {
  const id = formatId(targetOf(service));
  const wrong = [whyNoPods(id, service), ...ports.map(({ port }) => whyNoPort(id, service, port))];
  const because = wrong.find((each) => each !== undefined);
  if (because !== undefined) throw new Failure('usage', because, { where: placeOf(service) });
}

function declaredBy(object: KubeObject): readonly Forward[] {
  return containerPorts(object)
    .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
    .map(({ containerPort: port, name }) => ({
      target: targetOf(object),
      port,
      local: 'auto',
      preferred: port >= 1024 ? port : undefined,
      address: '127.0.0.1',
      at: undefined,
      facts: { number: port, name },
    }));
}

/** @returns the workload of the project that runs a service's image. @throws Failure `usage` when there is none. */
async function workloadOf(service: string, project: Project, place: Place): Promise<KubeObject> {
  for (const { name, namespace = '', kind: found } of place.members) {
    const kind = workloads.find((each) => each === found);
    const object = kind && (await readTarget(place.kube, { kind, name, namespace }, place.signal));
    if (object && imagesOf(object).some(({ image }) => serviceOf(project.services, image) === service)) return object;
  }
  throw new Failure('usage', `nothing that runs ${service} is in ${place.namespaces.join(' or ')}`, {
    next: 'bring it up first: stormctl dev, or stormctl run',
  });
}

/** @param mustShow whether a kind that may not be read is an error, and not just passed over. */
async function readIfShown(place: Place, named: NamedTarget, mustShow: boolean): Promise<KubeObject | undefined> {
  try {
    return await readTarget(place.kube, named, place.signal);
  } catch (error) {
    if (!mustShow && isForbidden(error)) return undefined;
    throw clusterFailure(error);
  }
}

function targetOf({ kind, metadata: { name, namespace } }: KubeObject): Forward['target'] {
  return { kind: kind as ForwardKind, name, namespace };
}

function placeOf({ kind, metadata: { name, namespace } }: KubeObject): string {
  return `${formatId({ kind, name })} in ${namespace}`;
}
