import { ApiError, type Kube } from '../kube/kube.ts';
import { type Interpreter, supervisedBy } from '../manifests/supervisor.ts';
import type { KubeObject } from '../objects.ts';
import { Failure } from '../errors.ts';
import { readPod } from '../pods/pod-state.ts';
import type { SyncTarget } from './sync-target.ts';

/** What a pod says of one of its containers that `PodState` does not hold. */
export type TargetFacts =
  | {
      readonly kind: 'running';
      readonly supervisor: Interpreter | undefined;
      /** Its readiness probe, else its startup probe, where that is one that can be asked from here. */
      readonly probe: Probe | undefined;
    }
  /** That run of it is over. */
  | { readonly kind: 'gone'; readonly because: string };

export type Probe = HttpProbe | { readonly kind: 'exec'; readonly command: readonly string[] };

export interface HttpProbe {
  readonly kind: 'http';
  readonly path: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
}

interface RawProbe {
  readonly exec?: { readonly command?: readonly string[] };
  readonly httpGet?: {
    readonly path?: string;
    readonly port?: number | string;
    readonly scheme?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
}

interface RawContainer {
  readonly name: string;
  readonly command?: readonly string[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly readinessProbe?: RawProbe;
  readonly startupProbe?: RawProbe;
}

/** @throws AbortError; a pod that is not there, and a cluster that can't be reached, are `gone`. */
export async function readTarget(
  kube: Kube,
  { namespace, pod, container, containerId }: SyncTarget,
  signal: AbortSignal,
): Promise<TargetFacts> {
  let object: KubeObject;
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
    object = await kube.request<KubeObject>({ method: 'GET', path, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApiError || error instanceof Failure) return { kind: 'gone', because: error.message };
    throw error;
  }
  const state = readPod(object).containers.find(({ name }) => name === container);
  if (state?.state !== 'running' || state.containerId !== containerId) {
    const code = state?.exitCode === undefined ? '' : ` with exit code ${state.exitCode}`;
    return { kind: 'gone', because: `the container ended${code}` };
  }
  const { containers = [] } = object['spec'] as { readonly containers?: readonly RawContainer[] };
  const spec = containers.find(({ name }) => name === container);
  return { kind: 'running', supervisor: supervisedBy(spec?.command), probe: spec && probeOf(spec) };
}

/** A TCP probe is none: a port-forward is open before anybody has answered at its other end. */
function probeOf({ readinessProbe, startupProbe, ports = [] }: RawContainer): Probe | undefined {
  const { exec, httpGet: asked } = readinessProbe ?? startupProbe ?? {};
  if (exec?.command) return { kind: 'exec', command: exec.command };
  if (!asked || (asked.scheme ?? 'HTTP') !== 'HTTP') return undefined;
  const port = ports.find(({ name }) => name === asked.port)?.containerPort ?? Number(asked.port);
  if (!Number.isInteger(port)) return undefined;
  const headers = Object.fromEntries((asked.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  return { kind: 'http', path: asked.path ?? '/', port, headers };
}
