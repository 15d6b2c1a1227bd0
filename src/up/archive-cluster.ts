import { formatEvents } from '../archive/format-event.ts';
import { redactedLines } from '../archive/redacted-lines.ts';
import type { Redaction } from '../archive/redaction.ts';
import { type ApplySet, readApplySet } from '../deploy/apply-set.ts';
import { askMaybe } from '../deploy/ask.ts';
import { listMembers } from '../deploy/list-members.ts';
import { mapLimited } from '../lib/map-limited.ts';
import { pathOf } from '../kube/api-path.ts';
import type { Kube, KubeResource } from '../kube/kube.ts';
import { stringifyYaml } from '../lib/yaml.ts';
import { type KubeObject, projectLabel, type RawEvent } from '../objects.ts';
import { type PodState, readPod } from '../pods/pod-state.ts';
import type { Project } from '../project.ts';
import type { Archiving } from './archiving.ts';

/** What of the cluster is in an archive. */
export interface ClusterPart {
  readonly namespaces: readonly string[];
  /** Those whose Secrets could not be read, so that their values are not known and not masked. */
  readonly unmasked: readonly string[];
  /** Of Kubernetes; undefined: the cluster did not answer. */
  readonly version: string | undefined;
  readonly objects: number;
  readonly events: number;
  /** How many containers' logs, and how many of the run before. */
  readonly logs: number;
  readonly previousLogs: number;
}

export interface ClusterArchiving extends Archiving {
  readonly project: Project;
  readonly open: () => Promise<Kube>;
}

const none: ClusterPart = {
  namespaces: [],
  unmasked: [],
  version: undefined,
  objects: 0,
  events: 0,
  logs: 0,
  previousLogs: 0,
};

/** What the members of a project have made: they carry its label, and are no members. */
const derived = [
  ['v1', 'Pod'],
  ['apps/v1', 'ReplicaSet'],
  ['batch/v1', 'Job'],
] as const;

/** Adds what the cluster has and says of a project. @throws AbortError, and what keeps the archive from being written. */
export async function archiveCluster(options: ClusterArchiving): Promise<ClusterPart> {
  const { attempt, open } = options;
  const kube = await attempt('the cluster', open);
  // What Secrets the cluster has is not known then.
  const nothing = { ...none, unmasked: [options.project.cluster.namespace] };
  if (!kube) return nothing;
  await using _ = kube;
  const reader = new ClusterReader(kube, options);
  // One answer shows whether there is any: each of what follows would wait as long for none.
  const version = await attempt('the version of the cluster', () => reader.version());
  if (version === undefined) return nothing;
  const namespaces = (await attempt('the inventory', () => reader.namespaces())) ?? [options.project.cluster.namespace];
  // Before anything that may hold one is written.
  const unmasked = [];
  for (const namespace of namespaces)
    if (!(await attempt(`Secrets in ${namespace}`, () => reader.learnSecrets(namespace)))) unmasked.push(namespace);
  const pods = await reader.addObjects(namespaces);
  let events = 0;
  for (const namespace of namespaces)
    events += (await attempt(`events in ${namespace}`, () => reader.addEvents(namespace))) ?? 0;
  await attempt('the nodes', () => reader.addNodes());
  const counts = await reader.addLogs(pods);
  return { namespaces, unmasked, version, objects: reader.objects, events, ...counts };
}

class ClusterReader {
  objects = 0;
  readonly #kube: Kube;
  readonly #options: ClusterArchiving;

  constructor(kube: Kube, options: ClusterArchiving) {
    this.#kube = kube;
    this.#options = options;
  }

  async version(): Promise<string> {
    const { signal } = this.#options;
    return (await this.#kube.request<{ gitVersion: string }>({ method: 'GET', path: '/version', signal })).gitVersion;
  }

  async namespaces(): Promise<readonly string[]> {
    const set = await this.#set();
    return [...new Set([this.#options.project.cluster.namespace, ...(set?.namespaces ?? [])])];
  }

  async learnSecrets(namespace: string): Promise<true> {
    const secrets = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
    this.#options.redaction.learn(await this.#list(secrets, namespace));
    return true;
  }

  /** @returns the project's pods. */
  async addObjects(namespaces: readonly string[]): Promise<readonly PodState[]> {
    const { attempt, project } = this.#options;
    const set = await attempt('the inventory', () => this.#set());
    // A kind that may not be read does not keep the others out.
    if (set)
      for (const kind of set.kinds) await attempt(kind, () => this.#addMembers({ ...set, kinds: new Set([kind]) }));
    const pods: KubeObject[] = [];
    for (const namespace of namespaces)
      for (const [apiVersion, kind] of derived) {
        const found = await attempt(`${kind}s in ${namespace}`, async () => {
          const resource = await this.#kube.resource(apiVersion, kind, this.#options.signal);
          const items = await this.#list(resource, namespace, `${projectLabel}=${project.name}`);
          for (const item of items) await this.#addObject(item);
          return items;
        });
        if (kind === 'Pod') pods.push(...(found ?? []));
      }
    await attempt('the claims', () => this.#addClaims(pods));
    return pods.map(readPod);
  }

  async addEvents(namespace: string): Promise<number> {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    const { archive, redaction, signal } = this.#options;
    const { items } = await this.#kube.request<{ items: readonly RawEvent[] | null }>({ method: 'GET', path, signal });
    if (!items || items.length === 0) return 0;
    await archive.addText(
      `events/${namespace}.txt`,
      formatEvents(items)
        .map((line) => redaction.text(line))
        .join(''),
    );
    return items.length;
  }

  /** What may explain why pods do not run, and nothing of whose machines they are. */
  async addNodes(): Promise<void> {
    const { archive, redaction } = this.#options;
    const nodes = await this.#list({ apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false }, undefined);
    const lean = nodes.map((node) => {
      const { conditions, capacity, allocatable, nodeInfo } = (node['status'] ?? {}) as Record<string, unknown>;
      const { taints, unschedulable } = (node['spec'] ?? {}) as Record<string, unknown>;
      return { name: node.metadata.name, taints, unschedulable, conditions, capacity, allocatable, nodeInfo };
    });
    await archive.addText('nodes.yaml', redaction.text(stringifyYaml(lean)));
  }

  async addLogs(pods: readonly PodState[]): Promise<Pick<ClusterPart, 'logs' | 'previousLogs'>> {
    let logs = 0;
    let previousLogs = 0;
    for (const pod of pods)
      for (const { name, containerId, restarts } of pod.containers) {
        if (containerId === undefined) continue;
        if (restarts > 0 && (await this.#addLog(pod, name, true))) previousLogs++;
        if (await this.#addLog(pod, name, false)) logs++;
      }
    return { logs, previousLogs };
  }

  async #addLog(pod: PodState, container: string, previous: boolean): Promise<boolean | undefined> {
    const { archive, redaction, signal, attempt } = this.#options;
    const path = `logs/${pod.namespace}/${pod.name}/${container}${previous ? '.previous' : ''}.log`;
    const request = { namespace: pod.namespace, pod: pod.name, container, timestamps: true, follow: false, previous };
    return attempt(path, () => archive.addStream(path, logLines(this.#kube.logs(request, signal), redaction)));
  }

  async #addMembers(set: ApplySet): Promise<void> {
    const { signal } = this.#options;
    const { members, unseen } = await listMembers(this.#kube, set, signal);
    const objects = await mapLimited(members, 10, ({ id, resource }) =>
      askMaybe<KubeObject>(this.#kube, { method: 'GET', path: pathOf(resource, id), signal }),
    );
    for (const object of objects) if (object) await this.#addObject(object);
    for (const { refusal } of unseen) throw refusal;
  }

  /** Those that a StatefulSet makes carry its selector's labels alone. */
  async #addClaims(pods: readonly KubeObject[]): Promise<void> {
    const { signal } = this.#options;
    const claims = new Map<string, string>();
    for (const { metadata, ...pod } of pods) {
      const { volumes = [] } = (pod['spec'] ?? {}) as {
        readonly volumes?: readonly { readonly persistentVolumeClaim?: { readonly claimName: string } }[];
      };
      for (const { persistentVolumeClaim: claim } of volumes)
        if (claim) claims.set(claimPath(metadata.namespace ?? '', claim.claimName), claim.claimName);
    }
    for (const path of claims.keys()) {
      const claim = await askMaybe<KubeObject>(this.#kube, { method: 'GET', path, signal });
      if (claim) await this.#addObject(claim);
    }
  }

  async #addObject(object: KubeObject): Promise<void> {
    const { kind, metadata } = object;
    const path = `objects/${metadata.namespace ?? '_cluster'}/${kind.toLowerCase()}/${metadata.name}.yaml`;
    const { archive, redaction } = this.#options;
    if (archive.entries.some((entry) => entry.path === path)) return;
    await archive.addText(path, stringifyYaml(redaction.object(object)));
    this.objects++;
  }

  #set() {
    const { project, signal } = this.#options;
    return readApplySet(this.#kube, { name: project.name, namespace: project.cluster.namespace }, signal);
  }

  /** The items of a typed list name neither their kind nor their version. */
  async #list(
    resource: KubeResource,
    namespace: string | undefined,
    labelSelector?: string,
  ): Promise<readonly KubeObject[]> {
    const { signal } = this.#options;
    const path = pathOf(resource, { namespace });
    const query = labelSelector === undefined ? {} : { labelSelector };
    const { items } = await this.#kube.request<{ items: readonly KubeObject[] | null }>({
      method: 'GET',
      path,
      query,
      signal,
    });
    const { apiVersion, kind } = resource;
    return (items ?? []).map((item) => ({ ...item, apiVersion, kind }));
  }
}

/** @throws what the kubelet says in place of a log, which alone has no stamp before it. */
async function* logLines(bytes: AsyncIterable<Buffer>, redaction: Redaction): AsyncGenerator<string, void, void> {
  let isFirst = true;
  for await (const line of redactedLines(bytes, redaction)) {
    if (isFirst && !/^\d{4}-\d\d-\d\dT/.test(line)) throw new Error(line.trimEnd());
    isFirst = false;
    yield line;
  }
}

function claimPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/persistentvolumeclaims/${encodeURIComponent(name)}`;
}
