import type { Kube } from '../kube/kube.ts';
import { formatPlaced } from '../objects.ts';
import type { ObjectId } from '../objects.ts';
import { readApplySet } from './apply-set.ts';
import type { ApplySet, ApplySetRef, Member } from './apply-set.ts';
import { clusterFailure } from './ask.ts';
import { findClaims } from './claims.ts';
import { groupKindOf, isCrd } from './kinds.ts';
import { reasonAgainstDefinition } from './own-definitions.ts';
import { listMembers } from './list-members.ts';
import { nameSome } from './name-some.ts';
import { ownNamespaces, reasonAgainstNamespace, reasonOfRefused } from './own-namespaces.ts';
import { isNamespace, reasonToKeep } from './protected.ts';
import type { Asked, Kept } from './protected.ts';
import { byRank } from './ranks.ts';
import type { Unseen } from './unseen.ts';

export interface SurveyOptions extends ApplySetRef, Asked {
  readonly kube: Kube;
  readonly signal: AbortSignal;
}

export interface DeletePlan {
  /** In the order in which they would go. */
  readonly goes: readonly ObjectId[];
  readonly kept: readonly Kept[];
  /** Where there may be more, which stays. */
  readonly unseen: readonly Unseen[];
}

/** What `deleteProject` would do now, and nothing is written. @throws as deleteProject. */
export async function planDelete(options: SurveyOptions): Promise<DeletePlan> {
  try {
    const { listed, own, unseen } = await surveyProject(options);
    const found = await findClaims(options.kube, options, listed, options.signal);
    const { kept, doomed, definitions } = sort(options, [...listed, ...found.claims]);
    const going = new Set(doomed.map(({ metadata }) => metadata.uid ?? ''));
    const defined = await sortDefinitions(options, definitions, going);
    const staying = [...kept, ...defined.spared];
    const { spared, ending } = await sortNamespaces(options, own, { going, staying, unseen });
    const ids = doomed.map(({ id }) => id);
    const inOrder = [...byRank(ids, (id) => id)].reverse().flat();
    const last = [...defined.ending, ...ending].map(({ id }) => id);
    return {
      goes: [...inOrder, ...last],
      kept: [...kept, ...defined.spared, ...spared],
      unseen: [...unseen, ...found.unseen],
    };
  } catch (error) {
    throw clusterFailure(error);
  }
}

export interface Survey {
  /** undefined: there is no inventory. */
  readonly found: ApplySet | undefined;
  readonly listed: readonly Member[];
  /** The namespaces that are stormctl's. */
  readonly own: readonly Member[];
  readonly unseen: readonly Unseen[];
}

/** @returns what a project has in the cluster. @throws Failure `guard` when the inventory is somebody else's. */
export async function surveyProject({ kube, name, namespace, signal }: SurveyOptions): Promise<Survey> {
  const ref = { name, namespace };
  const found = await readApplySet(kube, ref, signal);
  const { members, unseen } = found ? await listMembers(kube, found, signal) : { members: [], unseen: [] };
  const own = await ownNamespaces(kube, ref, found, members, signal);
  return { found, listed: members, own, unseen };
}

export interface Sorted {
  readonly kept: readonly Kept[];
  readonly doomed: readonly Member[];
  /** Those that are asked for: what is made of them tells whether they can go. */
  readonly definitions: readonly Member[];
}

/** Tells members that go from those that are kept. Namespaces are neither: they come last. */
export function sort(asked: Asked, members: readonly Member[]): Sorted {
  const others = members.filter(({ id }) => !isNamespace(id));
  const kept = others.flatMap(({ id }) => {
    const because = reasonToKeep(id, asked, 'delete');
    return because === undefined ? [] : [{ id, because }];
  });
  const goes = others.filter(({ id }) => !kept.some((each) => each.id === id));
  return {
    kept,
    doomed: goes.filter(({ id }) => !isCrd(id)),
    definitions: goes.filter(({ id }) => isCrd(id)),
  };
}

interface Judged {
  readonly spared: readonly Kept[];
  readonly ending: readonly Member[];
}

/** @param going what goes before the definitions do, by uid. */
export async function sortDefinitions(
  { kube, signal }: SurveyOptions,
  definitions: readonly Member[],
  going: ReadonlySet<string>,
): Promise<Judged> {
  const spared: Kept[] = [];
  for (const definition of definitions) {
    if (definition.metadata.deletionTimestamp !== undefined) continue;
    const because = await reasonAgainstDefinition(kube, definition, going, signal);
    if (because !== undefined) spared.push({ id: definition.id, because });
  }
  return { spared, ending: definitions.filter(({ id }) => !spared.some((each) => each.id === id)) };
}

interface AroundNamespaces {
  /** Claims, by uid, that go before the namespaces do. */
  readonly going: ReadonlySet<string>;
  /** What was not asked for, or could not be deleted. */
  readonly staying: readonly Kept[];
  /** Of which something may stay. */
  readonly unseen: readonly Unseen[];
}

export async function sortNamespaces(
  options: SurveyOptions,
  own: readonly Member[],
  { going, staying, unseen }: AroundNamespaces,
): Promise<Judged> {
  const { kube, name, namespace, signal } = options;
  const spared: Kept[] = [];
  const isProjects = ({ id }: Pick<Member, 'id'>) => id.name === namespace;
  for (const { id, metadata } of [...own.filter((each) => !isProjects(each)), ...own.filter(isProjects)]) {
    // Somebody else deletes it already.
    if (metadata.deletionTimestamp !== undefined) continue;
    const because =
      reasonToKeep(id, options, 'delete') ??
      (await reasonAgainstNamespace(kube, { name, namespace }, metadata.name, signal, going)) ??
      reasonOfRefused(
        metadata.name,
        staying.map((each) => each.id),
      ) ??
      (isProjects({ id }) ? reasonOfInventory(options, [...staying, ...spared], unseen) : undefined);
    if (because !== undefined) spared.push({ id, because });
  }
  return { spared, ending: own.filter(({ id }) => !spared.some((each) => each.id === id)) };
}

/** With the project's own namespace goes the inventory: what stays elsewhere would be labelled, and never be found again. */
function reasonOfInventory(
  { namespace }: SurveyOptions,
  staying: readonly Kept[],
  unseen: readonly Unseen[],
): string | undefined {
  const hidden = unseen.filter((each) => each.namespace !== namespace).map(({ resource }) => groupKindOf(resource));
  const named = [
    // What stays within it has kept it before.
    ...(staying.length > 0 ? [nameSome(staying, ({ id }) => formatPlaced(id))] : []),
    ...[...new Set(hidden)].map((kind) => `any ${kind}, which can't be seen`),
  ];
  if (named.length === 0) return undefined;
  return `the inventory in it is all that tells of what stays elsewhere: ${named.join(', ')}`;
}
