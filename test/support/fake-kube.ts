import { createHash, randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../src/errors.ts';
import { ApiError } from '../../src/kube/kube.ts';
import type {
  ExecRequest,
  ExecSession,
  Kube,
  KubeRequest,
  KubeResource,
  KubeTarget,
  LogRequest,
  PodRef,
  WatchEvent,
  WatchRequest,
} from '../../src/kube/kube.ts';
import { Channel } from '../../src/lib/channel.ts';
import { groupOf } from '../../src/objects.ts';
import type { KubeObject } from '../../src/objects.ts';
import { FieldOwners } from './field-owners.ts';

type Raw = Record<string, unknown>;

/** An API server without controllers, in memory: it stores, patches, lists and watches; tests play the controllers. */
export interface FakeKubeOptions {
  readonly context?: string;
  readonly server?: string;
  /** Namespaces that are there at the start, besides default and kube-system. */
  readonly namespaces?: readonly string[];
  readonly exec?: (request: ExecRequest, signal: AbortSignal) => Promise<ExecSession>;
  readonly connect?: (pod: PodRef, port: number, signal: AbortSignal) => Promise<Duplex>;
}

const builtIn: readonly KubeResource[] = [
  ...namespaced(
    'v1',
    'Pod Service ConfigMap Secret ServiceAccount PersistentVolumeClaim Event LimitRange ResourceQuota',
  ),
  ...clusterWide('v1', 'Namespace Node PersistentVolume'),
  ...namespaced('apps/v1', 'Deployment StatefulSet DaemonSet ReplicaSet'),
  ...namespaced('batch/v1', 'Job CronJob'),
  ...namespaced('rbac.authorization.k8s.io/v1', 'Role RoleBinding'),
  ...clusterWide('rbac.authorization.k8s.io/v1', 'ClusterRole ClusterRoleBinding'),
  ...namespaced('networking.k8s.io/v1', 'Ingress NetworkPolicy'),
  ...namespaced('autoscaling/v2', 'HorizontalPodAutoscaler'),
  ...namespaced('coordination.k8s.io/v1', 'Lease'),
  ...clusterWide('storage.k8s.io/v1', 'StorageClass'),
  ...clusterWide('apiextensions.k8s.io/v1', 'CustomResourceDefinition'),
];

export class FakeKube implements Kube {
  readonly target: KubeTarget;
  /** Every request that arrived, in order. */
  readonly requests: KubeRequest[] = [];
  /** `namespace/pod/container`, with `/previous` after it for the run before, to what it printed. */
  readonly printed = new Map<string, string>();
  readonly #options: FakeKubeOptions;
  readonly #resources: KubeResource[] = [...builtIn];
  /** Path of the object to the object. */
  readonly #objects = new Map<string, KubeObject>();
  /** Path of the object and field manager to what that manager applied last. */
  readonly #applied = new Map<string, Raw>();
  /** By the object's path, of objects that were applied once. */
  readonly #owners = new Map<string, FieldOwners>();
  readonly #watches = new Set<{ readonly request: WatchRequest; readonly events: Channel<WatchEvent> }>();
  readonly #faults: { readonly matches: (request: KubeRequest) => boolean; readonly error: Error; left: number }[] = [];
  readonly #forbidden: ((request: KubeRequest) => boolean)[] = [];
  readonly #holds: { readonly matches: (request: KubeRequest) => boolean; readonly until: Promise<void> }[] = [];
  #version = 100;

  constructor(options: FakeKubeOptions = {}) {
    this.#options = options;
    this.target = {
      context: options.context ?? 'fake',
      server: options.server ?? 'https://127.0.0.1:6443',
      namespace: 'default',
    };
    for (const name of ['default', 'kube-system', ...(options.namespaces ?? [])])
      this.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  /** The next `times` requests that match are answered with `error`. */
  failNext(matches: (request: KubeRequest) => boolean, error: Error, times = 1): void {
    this.#faults.push({ matches, error, left: times });
  }

  /** From now on the account may not make the requests that match; a watch is the GET of its collection. */
  forbid(matches: (request: KubeRequest) => boolean): void {
    this.#forbidden.push(matches);
  }

  /** Requests that match wait for `until` before they are handled. */
  hold(matches: (request: KubeRequest) => boolean, until: Promise<void>): void {
    this.#holds.push({ matches, until });
  }

  /** Stores an object as a controller would: no generation. What it changes is `manager`'s then. Watchers see it. */
  put(object: KubeObject, manager = 'controller'): KubeObject {
    const key = this.pathOf(object);
    const live = this.get(object);
    this.#ownersOf(key).update(manager, live, object);
    return this.#store(key, object, live);
  }

  /** Lays `status` over an object's, as its controller does. */
  setStatus(id: { apiVersion: string; kind: string; namespace?: string; name: string }, status: Raw): void {
    const { apiVersion, kind, ...metadata } = id;
    const live = this.get({ apiVersion, kind, metadata });
    if (!live) throw new Error(`no ${kind} ${id.name} in the fake cluster`);
    this.put({ ...live, status: { ...(live['status'] as Raw | undefined), ...status } });
  }

  get(object: KubeObject): KubeObject | undefined {
    return this.#objects.get(this.pathOf(object));
  }

  find(kind: string, name: string, namespace?: string): KubeObject | undefined {
    return this.all(kind).find((o) => o.metadata.name === name && (!namespace || o.metadata.namespace === namespace));
  }

  all(kind?: string): readonly KubeObject[] {
    return [...this.#objects.values()].filter((object) => kind === undefined || object.kind === kind);
  }

  /** Takes an object away at once, whatever its finalizers. */
  remove(object: KubeObject): void {
    this.#remove(this.pathOf(object));
  }

  /** Breaks every watch, as a connection that is cut; they go on with a fresh list, as `Kube.watch` promises. */
  cutWatches(cause: Error = new Error('socket hang up')): void {
    for (const { request, events } of this.#watches) {
      events.push({ type: 'lost', cause });
      events.push({ type: 'list', objects: this.#list(request) });
    }
  }

  /** Ends every watch with an error that trying again can't mend. */
  failWatches(error: Error): void {
    for (const { events } of this.#watches) events.fail(error);
  }

  get watching(): number {
    return this.#watches.size;
  }

  pathOf({ apiVersion, kind, metadata }: KubeObject): string {
    const resource = this.#find(apiVersion, kind);
    return `${collectionPath(resource, resource.namespaced ? (metadata.namespace ?? 'default') : undefined)}/${metadata.name}`;
  }

  async request<T>(request: KubeRequest): Promise<T> {
    request.signal?.throwIfAborted();
    this.requests.push(request);
    await new Promise(setImmediate);
    for (const held of this.#holds) if (held.matches(request)) await held.until;
    request.signal?.throwIfAborted();
    const fault = this.#faults.find((each) => each.left > 0 && each.matches(request));
    if (fault) {
      fault.left--;
      throw fault.error;
    }
    this.#authorize(request);
    const isDryRun = request.query?.['dryRun'] === 'All';
    const answer = structuredClone(isDryRun ? this.#rehearse(request) : this.#answer(request));
    return (request.accept?.includes('as=PartialObjectMetadata') ? metadataIn(answer) : answer) as T;
  }

  async resource(apiVersion: string, kind: string, signal?: AbortSignal): Promise<KubeResource> {
    signal?.throwIfAborted();
    return this.#find(apiVersion, kind);
  }

  /** What discovery tells of an API version; none where there is no such version. */
  resources(apiVersion: string): readonly KubeResource[] {
    return this.#known().filter((each) => each.apiVersion === apiVersion);
  }

  async *watch(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent, void, void> {
    signal.throwIfAborted();
    this.#authorize({ method: 'GET', path: request.path });
    const watch = { request, events: new Channel<WatchEvent>() };
    const lean = request.metadataOnly ?? false;
    const abort = () => watch.events.fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#watches.add(watch);
    try {
      watch.events.push({ type: 'list', objects: this.#list(request) });
      for await (const event of watch.events) yield lean ? leanEvent(event) : event;
    } finally {
      this.#watches.delete(watch);
      signal.removeEventListener('abort', abort);
    }
  }

  async *logs({ namespace, pod, container, previous, tailLines }: LogRequest, signal: AbortSignal) {
    signal.throwIfAborted();
    const text = this.printed.get([namespace, pod, container, ...(previous ? ['previous'] : [])].join('/'));
    if (text === undefined)
      throw refusal('GET', `/api/v1/namespaces/${namespace}/pods/${pod}/log`, 400, 'BadRequest', 'container not found');
    const lines = text.split(/(?<=\n)/);
    yield Buffer.from(lines.slice(tailLines === undefined ? 0 : -tailLines).join(''));
  }

  exec(request: ExecRequest, signal: AbortSignal): Promise<ExecSession> {
    if (!this.#options.exec) throw new Error('this fake has no exec: give one in its options');
    return this.#options.exec(request, signal);
  }

  connect(pod: PodRef, port: number, signal: AbortSignal): Promise<Duplex> {
    if (!this.#options.connect) throw new Error('this fake has no connect: give one in its options');
    return this.#options.connect(pod, port, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { events } of this.#watches) events.close();
  }

  /** As the authorizer of an API server says it. */
  #authorize(request: KubeRequest): void {
    if (!this.#forbidden.some((matches) => matches(request))) return;
    const { method, path } = request;
    const { resource, namespace, name } = this.#parse(request);
    const verb = method === 'GET' ? (name === undefined ? 'list' : 'get') : method.toLowerCase();
    const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
    const message = `User "ann" cannot ${verb} resource "${resource.plural}" in API group "" ${where}`;
    throw refusal(method, path, 403, 'Forbidden', message);
  }

  /** Answers as if, and leaves everything as it was. */
  #rehearse(request: KubeRequest): unknown {
    const before = [[...this.#objects], [...this.#applied], [...this.#watches]] as const;
    const owners = [...this.#owners].map(([key, each]) => [key, structuredClone(each.managedFields())] as const);
    const version = this.#version;
    this.#watches.clear();
    try {
      return this.#answer(request);
    } finally {
      this.#version = version;
      this.#objects.clear();
      this.#applied.clear();
      this.#owners.clear();
      for (const [key, object] of before[0]) this.#objects.set(key, object);
      for (const [key, applied] of before[1]) this.#applied.set(key, applied);
      for (const watch of before[2]) this.#watches.add(watch);
      for (const [key, fields] of owners) this.#ownersOf(key).set(fields);
    }
  }

  #answer(request: KubeRequest): unknown {
    if (request.path === '/version') return { gitVersion: 'v1.33.6' };
    const { method, path } = request;
    const group = /^\/apis\/([^/]+)$/.exec(path)?.[1];
    if (group !== undefined) return this.#group(group, request);
    const { resource, namespace, name, collection } = this.#parse(request);
    const key = name === undefined ? collection : `${collection}/${name}`;
    if (method === 'POST') return this.#create(request, resource, collection, namespace);
    if (name === undefined) {
      if (method !== 'GET') throw refusal(method, path, 405, 'MethodNotAllowed', 'the fake has no collection writes');
      const labelSelector = request.query?.['labelSelector'] as string | undefined;
      const fieldSelector = request.query?.['fieldSelector'] as string | undefined;
      const items = this.#list({
        path,
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      });
      // Typed lists name the kind once, not on every item: callers must not count on it.
      return {
        apiVersion: resource.apiVersion,
        kind: `${resource.kind}List`,
        metadata: { resourceVersion: String(this.#version) },
        items: items.map(({ apiVersion: _version, kind: _kind, ...rest }) => rest),
      };
    }
    const live = this.#objects.get(key);
    if (method === 'PATCH') return this.#patch(request, resource, key, live, namespace);
    // As the real one: an update may make a Lease, and one that names a uid is in conflict with there being none.
    if (!live && method === 'PUT' && resource.kind === 'Lease') throw conflict(request);
    if (!live) throw notFound(request, resource, name);
    if (method === 'GET') return live;
    if (method === 'DELETE') return this.#delete(request, key, live);
    const body = request.body as KubeObject;
    const { resourceVersion = live.metadata.resourceVersion, uid = live.metadata.uid } = body.metadata;
    if (resourceVersion !== live.metadata.resourceVersion || uid !== live.metadata.uid) throw conflict(request);
    return this.#store(key, { ...body }, live, true);
  }

  #create(request: KubeRequest, resource: KubeResource, collection: string, namespace: string | undefined): KubeObject {
    const given = (typeof request.body === 'string' ? JSON.parse(request.body) : request.body) as KubeObject;
    const { generateName, ...metadata } = given.metadata;
    const isNamed = typeof generateName !== 'string';
    const body = isNamed ? given : { ...given, metadata: { ...metadata, name: `${generateName}x7x2v` } };
    const key = `${collection}/${body.metadata.name}`;
    this.#requireNamespace(request, namespace);
    if (this.#objects.has(key))
      throw refusal(
        'POST',
        request.path,
        409,
        'AlreadyExists',
        `${resource.plural} "${body.metadata.name}" already exists`,
      );
    return this.#store(key, withNamespace(body, namespace), undefined, true);
  }

  #ownersOf(key: string): FieldOwners {
    const owners = this.#owners.get(key) ?? new FieldOwners();
    this.#owners.set(key, owners);
    return owners;
  }

  #patch(
    request: KubeRequest,
    resource: KubeResource,
    key: string,
    live: KubeObject | undefined,
    namespace: string | undefined,
  ): KubeObject {
    const body = (typeof request.body === 'string' ? JSON.parse(request.body) : request.body) as Raw;
    const fieldManager = String(request.query?.['fieldManager'] ?? 'unknown');
    const owners = this.#ownersOf(key);
    if (request.contentType !== 'application/apply-patch+yaml') {
      if (!live) throw notFound(request, resource, key.slice(key.lastIndexOf('/') + 1));
      const uid = (body['metadata'] as Raw | undefined)?.['uid'];
      if (uid !== undefined && uid !== live.metadata.uid) throw conflict(request);
      const patched = mergePatch(live, body) as unknown as KubeObject;
      const { managedFields } = (body['metadata'] ?? {}) as { managedFields?: unknown };
      if (Array.isArray(managedFields)) owners.set(managedFields);
      else owners.update(fieldManager, live, patched);
      return this.#store(key, patched, live, true);
    }
    this.#requireNamespace(request, namespace);
    const held = request.query?.['force'] === true ? [] : owners.conflicts(fieldManager, live, body);
    if (held.length > 0)
      throw refusal('PATCH', request.path, 409, 'Conflict', `Apply failed with ${held.length} conflicts`, {
        causes: held.map(({ manager, field }) => ({
          reason: 'FieldManagerConflict',
          message: `conflict with "${manager}" using v1`,
          field,
        })),
      });
    request.onStatus?.(live ? 200 : 201);
    const kept = owners.apply(fieldManager, live, body);
    const manager = `${key} ${fieldManager}`;
    const before = this.#applied.get(manager) ?? {};
    this.#applied.set(manager, structuredClone(body));
    const merged = apply(kept, before, body) as unknown as KubeObject;
    return this.#store(key, withNamespace(merged, namespace), live, true);
  }

  #delete(request: KubeRequest, key: string, live: KubeObject): unknown {
    const { uid = live.metadata.uid, resourceVersion = live.metadata.resourceVersion } =
      (request.body as { preconditions?: { uid?: string; resourceVersion?: string } } | undefined)?.preconditions ?? {};
    if (uid !== live.metadata.uid || resourceVersion !== live.metadata.resourceVersion) throw conflict(request);
    const finalizers = live.metadata['finalizers'];
    if (Array.isArray(finalizers) && finalizers.length > 0)
      return this.#store(key, { ...live, metadata: { ...live.metadata, deletionTimestamp: now() } }, live);
    this.#remove(key);
    return { kind: 'Status', apiVersion: 'v1', status: 'Success' };
  }

  #remove(key: string): void {
    const object = this.#objects.get(key);
    if (!object) return;
    this.#objects.delete(key);
    this.#owners.delete(key);
    for (const applied of this.#applied.keys()) if (applied.startsWith(`${key} `)) this.#applied.delete(applied);
    this.#tell(key, { type: 'gone', object });
    for (const [path, each] of this.#objects) {
      const owned = each.metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid) ?? false;
      const inside = object.kind === 'Namespace' && each.metadata.namespace === object.metadata.name;
      if (owned || inside) this.#remove(path);
    }
  }

  #store(key: string, object: KubeObject, before: KubeObject | undefined, written = false): KubeObject {
    const owned = this.#owners.get(key)?.managedFields() ?? [];
    const next = {
      ...object,
      metadata: {
        ...object.metadata,
        ...identity(before ?? object, before !== undefined),
        ...(owned.length === 0 ? {} : { managedFields: owned }),
      },
    };
    if (before && content(next) === content(before)) return before;
    const spec = written && (!before || !isDeepStrictEqual(withoutStatus(next), withoutStatus(before)));
    const generation = (before?.metadata.generation ?? 0) + (spec ? 1 : 0);
    const stored: KubeObject = structuredClone({
      ...next,
      metadata: { ...next.metadata, generation: generation || 1, resourceVersion: String(++this.#version) },
    });
    this.#objects.set(key, stored);
    const finalizers = stored.metadata['finalizers'];
    if (stored.metadata.deletionTimestamp !== undefined && !(Array.isArray(finalizers) && finalizers.length > 0)) {
      this.#remove(key);
      return stored;
    }
    this.#tell(key, { type: 'set', object: stored });
    return stored;
  }

  #tell(key: string, event: { readonly type: 'set' | 'gone'; readonly object: KubeObject }): void {
    for (const { request, events } of this.#watches)
      if (isIn(request, key, event.object)) events.push(structuredClone(event));
  }

  #list(request: WatchRequest): readonly KubeObject[] {
    return [...this.#objects].filter(([key, object]) => isIn(request, key, object)).map(([, o]) => structuredClone(o));
  }

  #group(group: string, request: KubeRequest): unknown {
    const versions = [...new Set(this.#known().map(({ apiVersion }) => apiVersion))]
      .filter((apiVersion) => groupOf(apiVersion) === group)
      .map((groupVersion) => ({ groupVersion, version: groupVersion.slice(group.length + 1) }));
    if (versions.length === 0)
      throw refusal(request.method, request.path, 404, 'NotFound', 'the server could not find the requested resource');
    return { kind: 'APIGroup', apiVersion: 'v1', name: group, versions, preferredVersion: versions[0] };
  }

  /** The built-in kinds, and those of the CustomResourceDefinitions that are stored. */
  #known(): readonly KubeResource[] {
    const custom = [...this.#objects.values()].flatMap((object) => {
      if (object.kind !== 'CustomResourceDefinition') return [];
      const spec = object['spec'] as {
        group: string;
        scope: string;
        names: { kind: string; plural: string };
        versions: { name: string }[];
      };
      return spec.versions.map(({ name }) => ({
        apiVersion: `${spec.group}/${name}`,
        kind: spec.names.kind,
        plural: spec.names.plural,
        namespaced: spec.scope === 'Namespaced',
      }));
    });
    return [...this.#resources, ...custom];
  }

  #find(apiVersion: string, kind: string): KubeResource {
    const known = this.#known().find((each) => each.apiVersion === apiVersion && each.kind === kind);
    if (known) return known;
    throw new Failure('usage', `the cluster knows no ${kind} in ${apiVersion}`);
  }

  #parse(request: KubeRequest) {
    const match = /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/.exec(
      request.path,
    );
    const apiVersion = match?.[1] ?? match?.[2];
    const resource = this.#known().find((each) => each.apiVersion === apiVersion && each.plural === match?.[4]);
    if (!match || !resource)
      throw refusal(request.method, request.path, 404, 'NotFound', 'the server could not find the requested resource');
    const name = match[5] === undefined ? undefined : decodeURIComponent(match[5]);
    return { resource, namespace: match[3], name, collection: collectionPath(resource, match[3]) };
  }

  #requireNamespace(request: KubeRequest, namespace: string | undefined): void {
    if (namespace !== undefined && !this.#objects.has(`/api/v1/namespaces/${namespace}`))
      throw refusal(request.method, request.path, 404, 'NotFound', `namespaces "${namespace}" not found`);
  }
}

/** What the transport says of a connection that broke. */
export function cut(): Failure {
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  return new Failure('unreachable', 'the cluster closed the connection', { cause });
}

/** @returns an ApiError as the server would answer it. */
export function refusal(
  method: string,
  path: string,
  status: number,
  reason: string,
  message: string,
  details?: ApiError['details'],
): ApiError {
  return new ApiError({ method, path, status, reason, message, details });
}

function notFound(request: KubeRequest, resource: KubeResource, name: string): ApiError {
  return refusal(request.method, request.path, 404, 'NotFound', `${resource.plural} "${name}" not found`);
}

function conflict(request: KubeRequest): ApiError {
  return refusal(request.method, request.path, 409, 'Conflict', 'Precondition failed: UID in precondition differs');
}

function namespaced(apiVersion: string, kinds: string): readonly KubeResource[] {
  return kinds.split(' ').map((kind) => ({ apiVersion, kind, plural: pluralOf(kind), namespaced: true }));
}

function clusterWide(apiVersion: string, kinds: string): readonly KubeResource[] {
  return kinds.split(' ').map((kind) => ({ apiVersion, kind, plural: pluralOf(kind), namespaced: false }));
}

function pluralOf(kind: string): string {
  const word = kind.toLowerCase();
  if (word.endsWith('y')) return `${word.slice(0, -1)}ies`;
  return word.endsWith('s') ? `${word}es` : `${word}s`;
}

function collectionPath({ apiVersion, plural }: KubeResource, namespace: string | undefined): string {
  const base = groupOf(apiVersion) === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
  return namespace === undefined ? `${base}/${plural}` : `${base}/namespaces/${namespace}/${plural}`;
}

/** Whether an object at `key` belongs to a collection, also to one over all namespaces. */
function isIn({ path, labelSelector, fieldSelector }: WatchRequest, key: string, object: KubeObject): boolean {
  const own = key.slice(0, key.lastIndexOf('/'));
  const everywhere = own.replace(/\/namespaces\/[^/]+(?=\/)/, '');
  return (own === path || everywhere === path) && hasLabels(object, labelSelector) && hasFields(object, fieldSelector);
}

function hasLabels({ metadata }: KubeObject, selector = ''): boolean {
  return selector
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [, not, label = '', operator, value] = /^(!?)([^=!]+?)(?:(!?=)=?(.*))?$/.exec(term) ?? [];
      const has = metadata.labels?.[label];
      if (operator === undefined) return (has !== undefined) === (not === '');
      return (has === value) === (operator === '=');
    });
}

function hasFields(object: KubeObject, selector = ''): boolean {
  return selector
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [path = '', value] = term.split('=');
      const at = path.split('.').reduce<unknown>((each, step) => (each as Raw | undefined)?.[step], object);
      return at === value;
    });
}

/** Given once, and never changed by a write. A test may create an object with an identity of its own. */
function identity({ metadata }: KubeObject, isThere: boolean): Raw {
  if (isThere) return { uid: metadata.uid, creationTimestamp: metadata.creationTimestamp };
  return { uid: metadata.uid ?? randomUUID(), creationTimestamp: metadata.creationTimestamp ?? now() };
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
function metadataIn(answer: unknown): unknown {
  if (!isRecord(answer) || answer['kind'] === 'Status') return answer;
  const { metadata, items } = answer;
  const lean = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' };
  if (!Array.isArray(items)) return { ...lean, metadata };
  return {
    ...lean,
    kind: `${lean.kind}List`,
    metadata,
    items: items.map((item: Raw) => ({ metadata: item['metadata'] })),
  };
}

function leanEvent(event: WatchEvent): WatchEvent {
  const strip = (object: KubeObject) => metadataIn(object) as KubeObject;
  if (event.type === 'lost') return event;
  if (event.type === 'list') return { type: 'list', objects: event.objects.map(strip) };
  return { type: event.type, object: strip(event.object) };
}

/** What decides whether a write changes anything. */
function content(object: KubeObject): string {
  const { resourceVersion: _version, generation: _generation, ...metadata } = object.metadata;
  return createHash('sha256')
    .update(canonical({ ...object, metadata }))
    .digest('hex');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    isRecord(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  );
}

function withoutStatus({ metadata: _metadata, status: _status, ...rest }: KubeObject): unknown {
  return rest;
}

function withNamespace(object: KubeObject, namespace: string | undefined): KubeObject {
  return namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

/** Server-side apply by one manager, lists taken whole: what it applied before and leaves out now is taken away. */
function apply(live: Raw, before: Raw, next: Raw): Raw {
  const merged: Raw = { ...live };
  for (const key of Object.keys(before)) if (!(key in next)) delete merged[key];
  for (const [key, value] of Object.entries(next)) {
    const [was, old] = [live[key], before[key]];
    merged[key] = isRecord(value) ? apply(isRecord(was) ? was : {}, isRecord(old) ? old : {}, value) : value;
  }
  return merged;
}

/** https://www.rfc-editor.org/rfc/rfc7386 */
function mergePatch(live: Raw, patch: Raw): Raw {
  const merged: Raw = { ...live };
  for (const [key, value] of Object.entries(patch)) {
    const was = live[key];
    if (value === null) delete merged[key];
    else merged[key] = isRecord(value) ? mergePatch(isRecord(was) ? was : {}, value) : value;
  }
  return merged;
}

function isRecord(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
