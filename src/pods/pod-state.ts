import { secretNames } from '../manifests/secret-names.ts';
import type { KubeObject } from '../objects.ts';

/** One pod as its last status says, reduced to what sync, forward, logs and wait ask of it. */
export interface PodState {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly workload: WorkloadRef;
  readonly phase: string;
  readonly ready: boolean;
  /** Its deletion was asked for; it may still run. */
  readonly deleting: boolean;
  /** undefined until it is scheduled. */
  readonly node: string | undefined;
  /** RFC 3339, whole seconds. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The names of the Secrets that its containers are given. */
  readonly secrets: readonly string[];
  /** The names of the claims that its volumes are. */
  readonly claims: readonly string[];
  /** Why the pod as a whole is not running: evicted, or not scheduled and the scheduler's words. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
  /** Init containers first, each group in the order of the spec. */
  readonly containers: readonly ContainerState[];
}

/** What made the pod: a Deployment rather than its ReplicaSet; the pod itself where nothing did. */
interface WorkloadRef {
  readonly kind: string;
  readonly name: string;
}

export interface ContainerState {
  readonly name: string;
  readonly init: boolean;
  /** As the spec writes it. */
  readonly image: string;
  /** What the node runs: `…@sha256:…`; undefined until the container was created once. */
  readonly imageId: string | undefined;
  /** The run that `state` tells of, or the last one while the next is waited for; undefined before the first. */
  readonly containerId: string | undefined;
  readonly state: 'waiting' | 'running' | 'terminated';
  /** Of `state`: `CrashLoopBackOff`, `ImagePullBackOff`, `OOMKilled`, `Completed` … */
  readonly reason: string | undefined;
  readonly message: string | undefined;
  /** Of the run that ended last, also while the next one is waited for or runs. */
  readonly exitCode: number | undefined;
  /** Of that run: `OOMKilled`, `Error`, `StartError` … */
  readonly endReason: string | undefined;
  readonly endMessage: string | undefined;
  /** From when to when that run was, RFC 3339, whole seconds. */
  readonly endedRun: RunTime | undefined;
  readonly restarts: number;
  readonly ready: boolean;
  /** RFC 3339, whole seconds: of the run that goes on, or of the one that ended. */
  readonly startedAt: string | undefined;
  readonly ports: readonly ContainerPort[];
  /** A probe says when it is ready; without one it counts as ready while it runs. */
  readonly probed: boolean;
}

interface RunTime {
  /** undefined: its node lost sight of it. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

interface ContainerPort {
  readonly name: string | undefined;
  readonly port: number;
}

/** @returns what a Pod, as the API server sent it, says of itself. */
export function readPod(object: KubeObject): PodState {
  const { metadata, spec = {}, status = {} } = object as KubeObject & RawPod;
  const condition = (type: string) => status.conditions?.find((each) => each.type === type);
  const scheduled = condition('PodScheduled');
  const why = status.reason === undefined && scheduled?.status === 'False' ? scheduled : status;
  return {
    uid: metadata.uid ?? '',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    workload: workloadOf(object),
    phase: status.phase ?? 'Unknown',
    ready: condition('Ready')?.status === 'True',
    deleting: metadata.deletionTimestamp !== undefined,
    node: spec.nodeName,
    createdAt: metadata.creationTimestamp ?? '',
    labels: metadata.labels ?? {},
    secrets: secretNames(spec),
    claims: claimsOf(metadata.name, spec.volumes),
    reason: why.reason,
    message: why.message,
    containers: [
      ...readContainers(spec.initContainers, status.initContainerStatuses, true),
      ...readContainers(spec.containers, status.containerStatuses, false),
    ],
  };
}

/** @returns the first ContainerPort of that name among the pod's containers. */
export function findPort(pod: PodState, name: string): number | undefined {
  for (const container of pod.containers) {
    const found = container.ports.find((port) => port.name === name);
    if (found) return found.port;
  }
  return undefined;
}

function readContainers(
  specs: readonly RawContainer[] = [],
  statuses: readonly RawContainerStatus[] = [],
  init: boolean,
): readonly ContainerState[] {
  return specs.map((spec) =>
    readContainer(
      spec,
      statuses.find((status) => status.name === spec.name),
      init,
    ),
  );
}

function readContainer(spec: RawContainer, status: RawContainerStatus | undefined, init: boolean): ContainerState {
  const { running, terminated, waiting } = status?.state ?? {};
  const last = status?.lastState?.terminated;
  // A kubelet fills in `containerID` late or never for a container that ended at once; the run's own state has it.
  const containerId = status?.containerID || terminated?.containerID || last?.containerID || undefined;
  return {
    name: spec.name,
    init,
    image: spec.image ?? '',
    imageId: status?.imageID || undefined,
    containerId,
    state: running ? 'running' : terminated ? 'terminated' : 'waiting',
    reason: (terminated ?? waiting)?.reason,
    message: (terminated ?? waiting)?.message,
    exitCode: (terminated ?? last)?.exitCode,
    endReason: (terminated ?? last)?.reason,
    endMessage: (terminated ?? last)?.message,
    endedRun: runTimeOf(terminated ?? last),
    restarts: status?.restartCount ?? 0,
    ready: status?.ready ?? false,
    startedAt: (running ?? terminated ?? last)?.startedAt ?? undefined,
    ports: (spec.ports ?? []).map(({ name, containerPort }) => ({ name, port: containerPort })),
    probed: spec.readinessProbe !== undefined || spec.startupProbe !== undefined,
  };
}

function runTimeOf(run: RawRun['terminated']): RunTime | undefined {
  return run && { from: run.startedAt ?? undefined, to: run.finishedAt ?? undefined };
}

/** https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#persistentvolumeclaim-naming */
function claimsOf(pod: string, volumes: readonly RawVolume[] = []): readonly string[] {
  return volumes.flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [persistentVolumeClaim.claimName];
    return ephemeral ? [`${pod}-${name}`] : [];
  });
}

/** The Deployment controller names a ReplicaSet `<deployment>-<pod-template-hash>` and labels its pods with the hash. */
function workloadOf({ metadata }: KubeObject): WorkloadRef {
  const owner = metadata.ownerReferences?.find((each) => each.controller) ?? metadata.ownerReferences?.[0];
  if (!owner) return { kind: 'Pod', name: metadata.name };
  const suffix = `-${metadata.labels?.['pod-template-hash'] ?? ''}`;
  if (owner.kind === 'ReplicaSet' && suffix !== '-' && owner.name.endsWith(suffix))
    return { kind: 'Deployment', name: owner.name.slice(0, -suffix.length) };
  return { kind: owner.kind, name: owner.name };
}

/** The fields that are read, all of them optional: a kubelet writes the status piece by piece. */
interface RawPod {
  readonly spec?: {
    readonly nodeName?: string;
    readonly initContainers?: readonly RawContainer[];
    readonly containers?: readonly RawContainer[];
    readonly volumes?: readonly RawVolume[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly initContainerStatuses?: readonly RawContainerStatus[];
    readonly containerStatuses?: readonly RawContainerStatus[];
  };
}

interface RawContainer {
  readonly name: string;
  readonly image?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly readinessProbe?: object;
  readonly startupProbe?: object;
}

interface RawVolume {
  readonly name: string;
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly ephemeral?: object;
}

interface RawContainerStatus {
  readonly name: string;
  readonly imageID?: string;
  readonly containerID?: string;
  readonly restartCount?: number;
  readonly ready?: boolean;
  readonly state?: RawRun;
  readonly lastState?: RawRun;
}

interface RawRun {
  readonly running?: { readonly startedAt?: string | null };
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: {
    readonly containerID?: string;
    readonly exitCode?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly startedAt?: string | null;
    readonly finishedAt?: string | null;
  };
}
