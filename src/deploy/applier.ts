import type { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import type { RenderedObject } from '../manifests/render.ts';
import { fieldManager, keyOf } from '../objects.ts';
import type { KubeObject, ObjectId, ObjectMeta } from '../objects.ts';
import type { Project } from '../project.ts';
import { isSameSet, listMembers, readApplySet, setFor, widen, writeApplySet } from './apply-set.ts';
import type { ApplySet, ApplySetRef, Member } from './apply-set.ts';
import { ask, askMaybe, clusterFailure, never } from './ask.ts';
import { ensureNamespace } from './ensure-namespace.ts';
import { checkIdentity } from './identity.ts';
import type { ClusterIdentity } from './identity.ts';
import { isCrd } from './kinds.ts';
import { locate } from './locate.ts';
import type { Located } from './locate.ts';
import { mapLimited } from './map-limited.ts';
import { prune } from './prune.ts';
import type { Kept } from './protected.ts';
import { byRank } from './ranks.ts';
import { refusalOf, unknownKind } from './refusal.ts';
import { waitEstablished } from './wait-established.ts';
import { stringDataAsData } from './string-data.ts';

export interface Applier {
  /**
   * Writes objects by server-side apply, after the inventory that will hold them. Once the first one is written it goes on
   * to the last, whatever the signal says; then an abort is thrown.
   *
   * @throws Failure `guard` when the cluster is another one, `usage` for an object given twice, `unreachable`; AbortError.
   */
  apply(request: ApplyRequest): Promise<Applied>;
}

export interface ApplierOptions {
  readonly kube: Kube;
  readonly project: Pick<Project, 'name' | 'cluster'>;
  /** Of the cluster at the first read: asked again before each apply. */
  readonly identity: ClusterIdentity;
  readonly report: Reporter;
}

interface ApplyRequest {
  /** To write now: pinned and owned. */
  readonly objects: readonly RenderedObject[];
  /** Every object that the project has now; undefined when that is not known, and nothing can be pruned. */
  readonly all: readonly RenderedObject[] | undefined;
  readonly prune: boolean;
  readonly signal: AbortSignal;
}

export interface Applied {
  /** What the server took, with the namespaces that it went to. */
  readonly objects: readonly ObjectId[];
  readonly created: readonly ObjectId[];
  readonly changed: readonly ObjectId[];
  readonly unchanged: number;
  readonly pruned: readonly ObjectId[];
  readonly kept: readonly Kept[];
  readonly refused: readonly Refused[];
}

interface Refused {
  readonly id: ObjectId;
  readonly failure: Failure;
}

type Outcome = 'created' | 'changed' | 'unchanged';

export function createApplier(options: ApplierOptions): Applier {
  const told = new Set<string>();
  return {
    async apply(request) {
      try {
        return await apply(options, request, told);
      } catch (error) {
        throw clusterFailure(error);
      }
    },
  };
}

async function apply(options: ApplierOptions, request: ApplyRequest, told: Set<string>): Promise<Applied> {
  const { kube, project, identity, report } = options;
  const { signal } = request;
  const started = performance.now();
  const ref = { name: project.name, namespace: project.cluster.namespace };
  signal.throwIfAborted();
  await checkIdentity(kube, identity, signal);
  const definitions = [...request.objects, ...(request.all ?? [])].map(({ object }) => object);
  const places = { namespace: ref.namespace, definitions, signal };
  const objects = await locate(kube, request.objects, places);
  const all = request.all && (await locate(kube, request.all, places));
  const set = await prepare(kube, ref, [...objects, ...(all ?? [])], signal);
  const before = await readBefore(kube, set.recorded, objects, request.prune, signal);
  signal.throwIfAborted();
  const written = await writeAll(kube, objects, before);
  // A renamed object that is refused leaves the old one serving: nothing is taken away while something is missing.
  const pruning = all && request.prune && written.refused.length === 0;
  const { pruned, kept } = pruning
    ? await prune({ kube, set: set.widened, all, members: before.members, report, told })
    : { pruned: [], kept: [] };
  const { created, changed, unchanged } = written;
  const ms = performance.now() - started;
  if (objects.length + pruned.length > 0) report({ type: 'deploy.applied', created, changed, unchanged, pruned, ms });
  signal.throwIfAborted();
  return { ...written, pruned, kept };
}

/** Makes the namespace and an inventory with room for everything that is there and will be. */
async function prepare(
  kube: Kube,
  ref: ApplySetRef,
  objects: readonly Located[],
  signal: AbortSignal,
): Promise<{ readonly recorded: ApplySet; readonly widened: ApplySet }> {
  await ensureNamespace(kube, ref, signal);
  const found = await readApplySet(kube, ref, signal);
  const recorded = found ?? setFor(ref, []);
  const widened = widen(
    recorded,
    setFor(
      ref,
      objects.map(({ id }) => id),
    ),
  );
  if (!found || !isSameSet(recorded, widened)) await writeApplySet(kube, widened, signal);
  return { recorded, widened };
}

interface Before {
  readonly members: readonly Member[];
  /** By key; what is not there is new. */
  readonly metadata: ReadonlyMap<string, ObjectMeta>;
}

/** What the objects were before, to tell what the apply changes: one list a kind, and a read of what is not ours yet. */
async function readBefore(
  kube: Kube,
  recorded: ApplySet,
  objects: readonly Located[],
  everything: boolean,
  signal: AbortSignal,
): Promise<Before> {
  const kinds = new Set(
    setFor(
      recorded,
      objects.map(({ id }) => id),
    ).kinds,
  );
  const wanted = [...recorded.kinds].filter((kind) => everything || kinds.has(kind));
  const members = await listMembers(kube, { ...recorded, kinds: new Set(wanted) }, signal);
  const metadata = new Map(members.map((member) => [keyOf(member.id), member.metadata]));
  await mapLimited(objects, 10, async ({ id, resource }) => {
    if (!resource || metadata.has(keyOf(id))) return;
    const path = pathOf(resource, id);
    const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
    const found = await askMaybe<KubeObject>(kube, { method: 'GET', path, accept, signal });
    if (found) metadata.set(keyOf(id), found.metadata);
  });
  return { members, metadata };
}

async function writeAll(
  kube: Kube,
  objects: readonly Located[],
  before: Before,
): Promise<Pick<Applied, 'objects' | Outcome | 'refused'>> {
  const outcomes = { created: [] as ObjectId[], changed: [] as ObjectId[], unchanged: [] as ObjectId[] };
  const refused: Refused[] = [];
  for (const rank of byRank(objects, ({ id }) => id)) {
    await mapLimited(rank, 10, async (located) => {
      const result = await writeOne(kube, located, before.metadata.get(keyOf(located.id)));
      if (typeof result === 'string') outcomes[result].push(located.id);
      else refused.push({ id: located.id, failure: result });
    });
  }
  const { created, changed, unchanged } = outcomes;
  return { objects: [...created, ...changed, ...unchanged], created, changed, unchanged: unchanged.length, refused };
}

async function writeOne(kube: Kube, located: Located, before: ObjectMeta | undefined): Promise<Outcome | Failure> {
  const { id, object, where, resource } = located;
  if (!resource) return unknownKind(id, where);
  try {
    const after = await ask<KubeObject>(kube, {
      method: 'PATCH',
      path: pathOf(resource, id),
      // Forced: what somebody else set in a field that the manifest gives is drift, and the manifest wins.
      query: { fieldManager, force: true, fieldValidation: 'Strict' },
      contentType: 'application/apply-patch+yaml',
      body: stringDataAsData(object),
      signal: never,
    });
    // Objects of its kind are refused until then.
    const unserved = isCrd(id) ? await waitEstablished(kube, id.name) : undefined;
    return unserved ?? compare(before, after.metadata);
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) return refusalOf(id, where, error);
    throw error;
  }
}

/**
 * The server leaves an object alone, down to its resourceVersion, when an apply changes nothing. A controller may have
 * written its status meanwhile: where there is a generation, that and the labels tell instead.
 */
function compare(before: ObjectMeta | undefined, after: ObjectMeta): Outcome {
  if (!before) return 'created';
  if (before.resourceVersion === after.resourceVersion) return 'unchanged';
  if (after.generation === undefined || before.generation !== after.generation) return 'changed';
  return sameEntries(before.labels, after.labels) && sameEntries(before.annotations, after.annotations)
    ? 'unchanged'
    : 'changed';
}

function sameEntries(a: ObjectMeta['labels'] = {}, b: ObjectMeta['labels'] = {}): boolean {
  // The Deployment controller counts its revisions in an annotation.
  const own = (entries: object) =>
    Object.entries(entries).filter(([key]) => !key.startsWith('deployment.kubernetes.io/'));
  const [left, right] = [own(a), own(b)];
  return left.length === right.length && left.every(([key, value]) => b[key] === value);
}
