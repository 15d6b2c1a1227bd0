import type { Position } from './errors.ts';
import type { LogLevel } from './events.ts';

/**
 * One project as `config/` read it: every default filled in, every path absolute, every `${VAR}` replaced.
 * Nothing above `config/` sees YAML.
 */
export interface Project {
  readonly name: string;
  /** The stormctl.yaml that it was read from, and the folder that holds it. */
  readonly file: string;
  readonly root: string;
  readonly environment: string | undefined;
  readonly cluster: ClusterConfig;
  /** `k3d` loads into the nodes, an address pushes there, undefined asks the cluster what it announces. */
  readonly registry: string | undefined;
  readonly services: readonly Service[];
  /** In the order in which they are applied. */
  readonly deploy: readonly DeployStep[];
  /** Besides those of Kubernetes' own workloads. */
  readonly podTemplates: readonly PodTemplatePlace[];
  /** Whether a change of what workloads use of ConfigMaps and Secrets replaces their pods; services may differ. */
  readonly restartOnConfigChange: boolean;
  readonly forward: readonly Forward[];
  /** Whether every port of the Services in the manifests is forwarded too. */
  readonly autoForward: AutoForward | undefined;
  readonly logs: LogsConfig;
  readonly onExit: 'delete' | 'keep';
  /** Whether `dev` applies everything again when somebody else deletes a namespace of the project. */
  readonly restoreNamespace: boolean;
  /** Whether a person is asked before the first write. */
  readonly confirm: boolean;
  readonly timeoutMs: number;
}

export interface ClusterConfig {
  /** The context that the config names; undefined: the current one, if it is local. */
  readonly context: string | undefined;
  /** For objects that name none. */
  readonly namespace: string;
  readonly create: ClusterCreate | undefined;
}

export interface ClusterCreate {
  readonly image: string | undefined;
  readonly agents: number;
  /** `host:node` pairs. */
  readonly ports: readonly PortPair[];
  readonly registryPort: number | undefined;
  /** A k3s registries.yaml, absolute. */
  readonly registriesFile: string | undefined;
}

export interface PortPair {
  readonly host: number;
  readonly node: number;
}

/** An image that is built, and every workload that uses it. */
export interface Service {
  readonly name: string;
  /** As the manifests write it, without tag. */
  readonly image: string;
  readonly build: Build;
  readonly sync: readonly SyncRule[];
  /** Whether a file that no rule covers goes where COPY puts it, unless a later step of the build makes something of it. */
  readonly autoSync: boolean;
  readonly afterSync: AfterSync | undefined;
  readonly dev: DevOverrides;
  readonly forward: readonly ServiceForward[];
  /** What a changed file leads to in `dev`: at once, or when a person asks. */
  readonly trigger: 'auto' | 'manual';
  readonly restartOnConfigChange: boolean;
  /** Where stormctl.yaml declares it. */
  readonly at: Position;
}

export interface Build {
  /** Absolute. */
  readonly context: string;
  /** Absolute. */
  readonly dockerfile: string;
  readonly target: string | undefined;
  readonly args: Readonly<Record<string, string>>;
  readonly network: string | undefined;
}

/** Files of the build context that `from` matches land at `to`, their path below `base` kept. */
export interface SyncRule {
  /** A glob, relative to the build context. */
  readonly from: string;
  /** A folder of the build context; default: the fixed part of `from`. */
  readonly base: string;
  /** An absolute folder in the container. */
  readonly to: string;
  readonly at: Position;
}

/** What is done in a container when synced files are in it. */
export type AfterSync =
  /** Run in the container, without a shell. */
  | { readonly kind: 'exec'; readonly command: readonly string[] }
  /** To its main process: `HUP`. */
  | { readonly kind: 'signal'; readonly signal: string }
  /** Its process ends and is started again; the container, and so its files, stay. */
  | { readonly kind: 'restart' };

/** What `dev` alone changes in the workloads of a service, as in a pod spec. */
export interface DevOverrides {
  readonly target: string | undefined;
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
}

export interface ServiceForward {
  /** undefined: the same as `port`. */
  readonly local: number | undefined;
  readonly port: number;
  readonly at: Position;
}

/** The names that kustomize looks for, in its order: a folder with one of them is a kustomization. */
export const kustomizationNames: readonly string[] = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

export type DeployStep = KustomizeStep | ManifestsStep | HelmStep;

interface Step {
  readonly wait: boolean;
  readonly at: Position;
}

export interface KustomizeStep extends Step {
  readonly kind: 'kustomize';
  /** Absolute. */
  readonly folder: string;
  /** Whether it may read files outside of its own folder (`LoadRestrictionsNone`). */
  readonly readsAnywhere: boolean;
  /** Whether it may run helm for its `helmCharts`. */
  readonly enableHelm: boolean;
}

export interface ManifestsStep extends Step {
  readonly kind: 'manifests';
  /** Globs, relative to the project's root. */
  readonly globs: readonly string[];
}

export interface HelmStep extends Step {
  readonly kind: 'helm';
  readonly chart: Chart;
  readonly release: string;
  /** undefined: the project's. */
  readonly namespace: string | undefined;
  /** Absolute files; what a later one says counts. */
  readonly values: readonly string[];
  /** Laid over the files. It may hold secrets. */
  readonly set: Readonly<Record<string, unknown>>;
}

export type Chart =
  /** A folder or an archive here, absolute. */
  | { readonly kind: 'local'; readonly path: string }
  /** What helm fetches: `oci://…`, a URL of an archive, or the name of a chart in `repo`. */
  | {
      readonly kind: 'remote';
      readonly reference: string;
      readonly repo: string | undefined;
      /** undefined: the newest. */
      readonly version: string | undefined;
    };

/** Where objects of a kind that Kubernetes itself has not keep a pod template. */
export interface PodTemplatePlace {
  readonly kind: string;
  /** undefined: any group. */
  readonly group: string | undefined;
  /** Keys; `*` stands for every item of a list or a map. */
  readonly path: readonly string[];
}

export interface Forward {
  readonly target: ForwardTarget;
  /** A number, or the name of a port. */
  readonly port: number | string;
  /** `auto` takes a free one; undefined: the same as `port`. */
  readonly local: number | 'auto' | undefined;
  /** With `auto`: the one to take if it is free. */
  readonly preferred?: number | undefined;
  readonly address: string;
  /** Where the config has it; undefined: the command line asks for it. */
  readonly at: Position | undefined;
  /** What manifests or the cluster tell of the port besides. */
  readonly facts?: PortFacts | undefined;
}

/** What tells which protocol a port speaks. */
export interface PortFacts {
  readonly number?: number | undefined;
  readonly name?: string | undefined;
  readonly appProtocol?: string | undefined;
}

export interface AutoForward {
  /** Added to the number of a Service's port: that is the local one. */
  readonly offset: number;
  readonly at: Position | undefined;
}

/** The kinds that have pods to forward to. */
export const forwardKinds = ['Service', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'Pod'] as const;

export type ForwardKind = (typeof forwardKinds)[number];

const shortKinds: Readonly<Record<string, ForwardKind>> = {
  svc: 'Service',
  deploy: 'Deployment',
  sts: 'StatefulSet',
  ds: 'DaemonSet',
  rs: 'ReplicaSet',
  po: 'Pod',
};

/** @returns the kind that a word means, as kubectl reads it: the kind in any case, its plural, or its short name. */
export function forwardKindOf(word: string): ForwardKind | undefined {
  const lower = word.toLowerCase();
  const singular = lower.replace(/s$/, '');
  return forwardKinds.find((kind) => [lower, singular].includes(kind.toLowerCase())) ?? shortKinds[lower];
}

export interface ForwardTarget {
  readonly kind: ForwardKind;
  readonly name: string;
  /** undefined: where the manifests have it, else the project's. */
  readonly namespace?: string | undefined;
}

export interface LogsConfig {
  readonly exclude: readonly LogExclude[];
  /** Whether values of the project's Secrets are hidden in whatever is shown of logs and other output. */
  readonly mask: boolean;
  /** Whether sessions write them to `.stormctl/logs`. */
  readonly history: boolean;
  /** Whether structured lines (JSON, logfmt) are shown as level, message and fields. */
  readonly fold: boolean;
  /** The fields that are shown of them, `req.url` for one in another; undefined: all. */
  readonly fields: readonly string[] | undefined;
  /** The least level that is shown; undefined: all. */
  readonly level: LogLevel | undefined;
}

/** A line is left out when everything that is given matches it. */
export interface LogExclude {
  readonly service: string | undefined;
  readonly container: string | undefined;
  readonly match: RegExp | undefined;
}
