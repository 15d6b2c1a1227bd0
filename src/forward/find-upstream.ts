import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import { formatId } from '../objects.ts';
import { findPort } from '../pods/pod-state.ts';
import type { PodState } from '../pods/pod-state.ts';
import type { PodView } from '../pods/pod-view.ts';
import type { Forward, ForwardTarget } from '../project.ts';

/** The cluster that forwards lead into. */
export interface ForwardCluster {
  readonly kube: Kube;
  readonly view: PodView;
  namespaceOf(target: ForwardTarget): string;
}

export type Upstream =
  | { readonly kind: 'ready'; readonly pod: PodState; readonly port: number }
  /** Nothing to connect to for now. */
  | { readonly kind: 'waiting'; readonly because: string }
  /** What the rule names is not there, and pods that come will not change it. */
  | { readonly kind: 'wrong'; readonly because: string };

/**
 * Finds the pod and port behind a rule as things stand now: the newest ready pod that a Service selects, that belongs
 * to a workload, or that has the name. The Service is read each time, since it can change while its pods stay.
 *
 * @throws AbortError, and what the API server refuses.
 */
export async function findUpstream(rule: Forward, cluster: ForwardCluster, signal: AbortSignal): Promise<Upstream> {
  const { target } = rule;
  const namespace = cluster.namespaceOf(target);
  const here = cluster.view.pods().filter((pod) => pod.namespace === namespace);
  if (target.kind === 'Service') return behindService(rule, namespace, here, cluster.kube, signal);
  const pods = here.filter(({ name, workload }) =>
    target.kind === 'Pod' ? name === target.name : workload.kind === target.kind && workload.name === target.name,
  );
  return chooseFrom(pods, rule.port, formatId(target));
}

async function behindService(
  { target, port }: Forward,
  namespace: string,
  pods: readonly PodState[],
  kube: Kube,
  signal: AbortSignal,
): Promise<Upstream> {
  const id = formatId(target);
  const service = await readService(kube, namespace, target.name, signal);
  if (!service) return { kind: 'waiting', because: `there is no ${id} in ${namespace}` };
  const { selector, ports = [] } = service.spec ?? {};
  const found = ports.find((each) => each.port === port || each.name === port);
  if (!found) {
    const has = ports.map((each) => each.port).join(', ') || 'none';
    return { kind: 'wrong', because: `${id} has no port ${port} (it has ${has})` };
  }
  if (!selector || Object.keys(selector).length === 0) return { kind: 'wrong', because: `${id} selects no pods` };
  const selected = pods.filter(({ labels }) => Object.entries(selector).every(([key, value]) => labels[key] === value));
  return chooseFrom(selected, found.targetPort ?? found.port, id);
}

function chooseFrom(pods: readonly PodState[], port: number | string, id: string): Upstream {
  const pod = pods.findLast((each) => each.ready && !each.deleting);
  if (!pod) return { kind: 'waiting', because: whyNone(pods, id) };
  const number = typeof port === 'number' ? port : findPort(pod, port);
  if (number === undefined) return { kind: 'wrong', because: `no container of ${pod.name} names a port ${port}` };
  return { kind: 'ready', pod, port: number };
}

function whyNone(pods: readonly PodState[], id: string): string {
  const last = pods.findLast(({ deleting }) => !deleting);
  if (!last) return `${id} has no pod`;
  const reason = last.reason ?? last.containers.find((each) => !each.ready && each.reason !== undefined)?.reason;
  return `pod ${last.name} of ${id} is not ready${reason === undefined ? '' : ` (${reason})`}`;
}

async function readService(
  kube: Kube,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<RawService | undefined> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${encodeURIComponent(name)}`;
  try {
    return await kube.request<RawService>({ method: 'GET', path, signal });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

interface RawService {
  readonly spec?: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly targetPort?: number | string;
    }[];
  };
}
