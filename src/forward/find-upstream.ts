import { formatId } from '../objects.ts';
import { findPort } from '../pods/pod-state.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { Forward, ForwardTarget } from '../project.ts';
import type { RawService, Surroundings } from './surroundings.ts';

export type Upstream =
  | { readonly kind: 'ready'; readonly pod: PodState; readonly port: number }
  /** Nothing to connect to for now; `because` is undefined where only pods to avoid are there. */
  | { readonly kind: 'waiting'; readonly because: string | undefined }
  /** What the rule names is not there, and pods that come will not change it. */
  | { readonly kind: 'wrong'; readonly because: string };

export interface Wanted {
  readonly rule: Forward;
  /** Pods, by uid, that did not take the connection a moment ago. */
  readonly avoid: ReadonlySet<string>;
  /** Whether a pod that runs and is not ready is better than none: a program that waits for its debugger never gets ready. */
  readonly takesUnready: boolean;
}

/**
 * Finds the pod and port behind a rule as things stand now: the newest ready pod that a Service selects, that belongs
 * to a workload, or that has the name.
 *
 * @throws AbortError, and what the API server refuses.
 */
export async function findUpstream(wanted: Wanted, surroundings: Surroundings, signal: AbortSignal): Promise<Upstream> {
  const { target, port } = wanted.rule;
  const namespace = target.namespace ?? surroundings.cluster.namespaceOf(target);
  if (target.kind === 'Service') return behindService(wanted, namespace, surroundings, signal);
  const pods = await surroundings.pods(namespace, (pod) => belongsTo(pod, target), signal);
  return chooseFrom(pods, port, wanted);
}

async function behindService(
  wanted: Wanted,
  namespace: string,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<Upstream> {
  const { target, port } = wanted.rule;
  const id = formatId(target);
  const service = await surroundings.service(namespace, target.name, signal);
  if (!service) return { kind: 'waiting', because: `there is no ${id} in ${namespace}` };
  const { selector = {}, publishNotReadyAddresses = false } = service.spec ?? {};
  const entries = Object.entries(selector);
  const because = whyNoPods(id, service) ?? whyNoPort(id, service, port);
  if (because !== undefined) return { kind: 'wrong', because };
  const isSelected = ({ labels }: PodState) => entries.every(([key, value]) => labels[key] === value);
  const pods = await surroundings.pods(namespace, isSelected, signal);
  const found = portOf(service, port);
  return chooseFrom(pods, found?.targetPort ?? found?.port ?? port, {
    ...wanted,
    takesUnready: publishNotReadyAddresses,
  });
}

/** @returns why no pod is behind a Service, whatever runs; undefined when it selects some. */
export function whyNoPods(id: string, { spec = {} }: RawService): string | undefined {
  if (spec.type === 'ExternalName')
    return `${id} is only another name for ${spec.externalName}: there is no pod behind it, so connect to that`;
  if (Object.keys(spec.selector ?? {}).length > 0) return undefined;
  return `${id} selects no pods: its endpoints are written by hand, so connect to what they name`;
}

/** @returns why a port of a Service can't be forwarded to; undefined when it can. */
export function whyNoPort(id: string, service: RawService, port: number | string): string | undefined {
  const found = portOf(service, port);
  if (found)
    return (found.protocol ?? 'TCP') === 'TCP'
      ? undefined
      : `port ${port} of ${id} is ${found.protocol}, and only TCP can be forwarded`;
  const has = (service.spec?.ports ?? []).map((each) =>
    each.name === undefined ? each.port : `${each.port} (${each.name})`,
  );
  return `${id} has no port ${port} (it has ${has.join(', ') || 'none'})`;
}

function portOf({ spec = {} }: RawService, port: number | string) {
  return spec.ports?.find((each) => each.port === port || each.name === port);
}

function belongsTo({ name, workload, labels }: PodState, target: ForwardTarget): boolean {
  if (target.kind === 'Pod') return name === target.name;
  if (workload.kind === target.kind) return workload.name === target.name;
  // A Deployment's ReplicaSet is not told as the workload of its pods.
  const hash = labels['pod-template-hash'];
  return target.kind === 'ReplicaSet' && hash !== undefined && `${workload.name}-${hash}` === target.name;
}

function chooseFrom(pods: readonly PodState[], port: number | string, { rule, avoid, takesUnready }: Wanted): Upstream {
  const here = pods.filter(({ deleting }) => !deleting);
  const usable = [...(takesUnready ? here.filter(isRunning) : []), ...here.filter(({ ready }) => ready)];
  const pod = usable.findLast(({ uid }) => !avoid.has(uid));
  if (!pod) return { kind: 'waiting', because: usable.length > 0 ? undefined : whyNone(here, formatId(rule.target)) };
  const number = typeof port === 'number' ? port : findPort(pod, port);
  if (number === undefined)
    return { kind: 'wrong', because: `no container of pod ${pod.name} names a port ${port}${declared(pod)}` };
  return { kind: 'ready', pod, port: number };
}

function isRunning({ ready, phase, containers }: PodState): boolean {
  return !ready && phase === 'Running' && containers.some(({ init, state }) => !init && state === 'running');
}

/** @returns ` (its containers declare 8080 (http))`, and nothing where they declare none. */
export function declared({ containers }: PodState): string {
  const ports = containers.flatMap((container) => container.ports);
  if (ports.length === 0) return '';
  const words = ports.map(({ name, port }) => (name === undefined ? port : `${port} (${name})`));
  return ` (its containers declare ${words.join(', ')})`;
}

function whyNone(pods: readonly PodState[], id: string): string {
  const last = pods.at(-1);
  if (!last) return `${id} has no pod`;
  const reason = last.reason ?? last.containers.find((each) => !each.ready && each.reason !== undefined)?.reason;
  const what = id === `pod/${last.name}` ? id : `pod ${last.name} of ${id}`;
  return `${what} is not ready${reason === undefined ? '' : ` (${reason})`}`;
}
