import type { Reporter } from '../events.ts';
import type { Kube, KubeResource } from '../kube/kube.ts';
import type { RenderedObject } from '../manifests/render-step.ts';
import { keyOf } from '../objects.ts';
import type { ObjectId } from '../objects.ts';
import type { Project } from '../project.ts';
import { isSameSet, readApplySet, setFor, widen, writeApplySet } from './apply-set.ts';
import type { ApplySet, ApplySetRef, Member } from './apply-set.ts';
import type { AppliedMemory } from './applied-memory.ts';
import { clusterFailure } from './ask.ts';
import type { CompletedJobs } from './completed-jobs.ts';
import { ConfigChanges } from './config-changes.ts';
import { ensureNamespace, readNamespace } from './ensure-namespace.ts';
import { findHeldElsewhere } from './held-elsewhere.ts';
import { checkIdentity } from './identity.ts';
import type { ClusterIdentity } from './identity.ts';
import { groupKindOf } from './kinds.ts';
import type { GroupKind } from './kinds.ts';
import { locate } from './locate.ts';
import { LeftClaims } from './left-claims.ts';
import type { Located } from './locate.ts';
import { usualRemovalMs } from './outlast-removal.ts';
import { prune, type Pruned } from './prune.ts';
import { type Asked, type Kept, nothingAsked } from './protected.ts';
import { mayServePods } from './ranks.ts';
import { type Before, readBefore } from './read-before.ts';
import { settleInventory } from './settle-inventory.ts';
import { nothingSoFar, reportOfCut, type SoFar } from './so-far.ts';
import { tellUnseen } from './unseen.ts';
import { writeAll, type Written } from './write-all.ts';

export interface Applier {
  /**
   * Writes objects by server-side apply, after the inventory that will hold them. Once the first one is written it goes on
   * to the last, whatever the signal says; then an abort is thrown.
   *
   * @throws Failure `guard` when the cluster is another one, `usage` for an object given twice, `unreachable`, `refused`; AbortError.
   */
  apply(request: ApplyRequest): Promise<Applied>;
}

export interface ApplierOptions {
  readonly kube: Kube;
  readonly project: Pick<Project, 'name' | 'cluster' | 'podTemplates'>;
  /** Of the cluster at the first read: asked again before each apply. */
  readonly identity: ClusterIdentity;
  readonly report: Reporter;
  /** Of what was applied before; without it everything is sent. */
  readonly memory?: AppliedMemory | undefined;
  /** Of Jobs that the cluster removes by itself; without it they run again. */
  readonly jobs?: CompletedJobs | undefined;
  /** Whether fields that others hold are taken from them. */
  readonly forceConflicts?: boolean | undefined;
  /** How long the objects that have to go first are waited for, all together. Default: 2 minutes. */
  readonly removalMs?: number | undefined;
  /** How long a namespace that is being deleted is waited for. Default: for as long as it takes. */
  readonly namespaceMs?: number | undefined;
  /** What of that which left the manifests goes only when it is asked for. Default: nothing. */
  readonly prunes?: Asked | undefined;
}

interface ApplyRequest {
  /** To write now: pinned and owned. */
  readonly objects: readonly RenderedObject[];
  /** Every object that the project has now; undefined when that is not known, and nothing can be pruned. */
  readonly all: readonly RenderedObject[] | undefined;
  /**
   * What of the objects that the project has no longer is removed. `unneeded`: not what pods may need, since workloads that
   * are still to be written run as they did.
   */
  readonly prune: 'nothing' | 'unneeded' | 'all';
  readonly signal: AbortSignal;
}

export interface Applied extends Written {
  readonly pruned: readonly ObjectId[];
  readonly kept: readonly Kept[];
}

/** What applies leave for those after them. */
interface Session {
  /** Keys of what was told to be kept, or to be left to others; what was said of kinds that can't be seen. */
  readonly told: Set<string>;
  /** Uids of what was waited for to go, in vain. */
  readonly givenUp: Set<string>;
  readonly config: ConfigChanges;
}

export function createApplier(options: ApplierOptions): Applier {
  const session: Session = {
    told: new Set(),
    givenUp: new Set(),
    config: new ConfigChanges(options.kube, options.project.podTemplates),
  };
  return {
    async apply(request) {
      const startedAt = performance.now();
      const soFar = nothingSoFar();
      const ms = () => performance.now() - startedAt;
      let applied: Applied;
      try {
        applied = await apply(options, request, session, soFar);
      } catch (error) {
        const cut = reportOfCut(soFar, ms());
        if (cut) options.report(cut);
        throw clusterFailure(error);
      }
      const { created, changed, replaced, unchanged, pruned } = applied;
      if (request.objects.length + pruned.length > 0)
        options.report({ type: 'deploy.applied', created, changed, replaced, unchanged, pruned, ms: ms() });
      request.signal.throwIfAborted();
      return applied;
    },
  };
}

async function apply(
  options: ApplierOptions,
  request: ApplyRequest,
  { told, givenUp, config }: Session,
  soFar: SoFar,
): Promise<Applied> {
  const { kube, project, identity, report, memory } = options;
  const { signal } = request;
  const ref = { name: project.name, namespace: project.cluster.namespace };
  signal.throwIfAborted();
  const reading = readPlace(kube, ref, request);
  // If it is another cluster, what it says of these does not matter.
  reading.catch(() => {});
  await checkIdentity(kube, identity, signal);
  const { objects, all, namespace, ...place } = await reading;
  const ensuring = { reading: Promise.resolve(namespace), withinMs: options.namespaceMs, report };
  const isStanding = await ensureNamespace(kube, ref, signal, ensuring);
  // The inventory went with the namespace in which it was read.
  const found = isStanding ? place.found : await readApplySet(kube, ref, signal);
  const everything = [...objects, ...(all ?? [])];
  const recorded = found ?? setFor(ref, []);
  const reads = { everything: request.prune !== 'nothing', signal };
  const before = await readBefore(kube, recorded, objects, resourcesOf(everything), reads);
  tellUnseen(before.unseen, told, report);
  const widened = withoutKept(widen(recorded, setFor(ref, idsOf(everything))), idsOf(everything));
  signal.throwIfAborted();
  // In a namespace that was just made nothing can be.
  const doubtful = objects.filter(
    ({ id }) => !before.byKey.has(keyOf(id)) && (namespace !== undefined || id.namespace !== ref.namespace),
  );
  const looking = findHeldElsewhere(kube, ref, doubtful, signal);
  // Without its inventory nothing is written.
  looking.catch(() => {});
  if (!found || !isSameSet(recorded, widened)) await writeApplySet(kube, widened, signal);
  const held = await looking;
  signal.throwIfAborted();
  options.jobs?.read(found);
  const leftClaims = new LeftClaims(kube, widened, (unseen) => tellUnseen(unseen, told, report));
  const written = await writeAll(objects, before, {
    kube,
    ref,
    held,
    told,
    memory,
    jobs: options.jobs,
    forceConflicts: options.forceConflicts ?? false,
    report,
    config,
    removalsUntil: deadlineOf(options.removalMs ?? usualRemovalMs),
    givenUp,
    leftClaims,
    soFar,
    signal,
  });
  const adopted = leftClaims.members;
  const settling = { kube, recorded, set: leftClaims.set, objects, all, adopted: adopted.map(({ id }) => id), written };
  const set = await settleInventory(settling);
  const members = [...before.members, ...adopted];
  // A renamed object that is refused leaves the old one serving: nothing is taken away while something is missing.
  const { pruned, kept } =
    all && request.prune !== 'nothing' && written.refused.length === 0
      ? await pruneLeftOver(options, all, {
          set,
          before: { ...before, members },
          spares: request.prune === 'unneeded',
          told,
          onPruned: (id) => void soFar.pruned.push(id),
        })
      : { pruned: [], kept: [] };
  await memory?.save().catch((error: unknown) => {
    const text = `what was applied can't be remembered, so the next apply sends all of it: ${(error as Error).message}`;
    report({ type: 'warning', text });
  });
  return { ...written, pruned, kept };
}

/** What was kept and is in the manifests again is like the rest. */
function withoutKept(set: ApplySet, ids: readonly ObjectId[]): ApplySet {
  const wanted = new Set(ids.map(keyOf));
  return { ...set, kept: set.kept?.filter((id) => !wanted.has(keyOf(id))) };
}

function idsOf(objects: readonly Located[]): readonly ObjectId[] {
  return objects.map(({ id }) => id);
}

/** @returns where the kinds of the objects live, as far as that is known. */
function resourcesOf(objects: readonly Located[]): ReadonlyMap<GroupKind, KubeResource> {
  return new Map(objects.flatMap(({ id, resource }) => (resource ? [[groupKindOf(id), resource] as const] : [])));
}

interface LeftOver {
  /** As it is recorded now. */
  readonly set: ApplySet;
  readonly before: Before;
  /** Whether what pods may need stays. */
  readonly spares: boolean;
  readonly told: Set<string>;
  readonly onPruned: (id: ObjectId) => void;
}

async function pruneLeftOver(
  { kube, prunes, jobs, report }: ApplierOptions,
  all: readonly Located[],
  { set, before, spares, told, onPruned }: LeftOver,
): Promise<Pruned> {
  const isSpared = ({ id }: Member) => spares && mayServePods(id);
  const done = await prune({
    kube,
    set,
    all,
    members: before.members.filter((member) => !isSpared(member)),
    spared: before.members.filter(isSpared),
    unseen: before.unseen,
    asked: prunes ?? nothingAsked,
    report,
    told,
    onPruned,
  });
  await jobs?.retain(idsOf(all));
  return done;
}

/** @returns when a time that begins with the first call is over. */
function deadlineOf(ms: number): () => number {
  let until: number | undefined;
  return () => (until ??= performance.now() + ms);
}

/** All that can be asked at once. */
async function readPlace(kube: Kube, ref: ApplySetRef, request: ApplyRequest) {
  const { signal } = request;
  const definitions = [...request.objects, ...(request.all ?? [])].map(({ object }) => object);
  const places = { namespace: ref.namespace, definitions, signal };
  const [objects, all, found, namespace] = await Promise.all([
    locate(kube, request.objects, places),
    request.all && locate(kube, request.all, places),
    readApplySet(kube, ref, signal),
    readNamespace(kube, ref.namespace, signal),
  ]);
  return { objects, all, found, namespace };
}
