import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import { ApiError, isForbidden, type Kube, type KubeResource, metadataOfOne } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import { stringifyJson } from '../lib/json.ts';
import type { KubeObject, ObjectMeta } from '../objects.ts';
import { formatId } from '../objects.ts';
import { whereRefused } from '../manifests/pinpoint.ts';
import type { AppliedMemory } from './applied-memory.ts';
import { applyRequest } from './apply-request.ts';
import type { Member } from './apply-set.ts';
import { askMaybe } from './ask.ts';
import { isStatefulSet } from './claims.ts';
import type { CompletedJobs } from './completed-jobs.ts';
import { conflictFailure, conflictsOf, isTakenOver } from './conflicts.ts';
import { isCrd } from './kinds.ts';
import type { LeftClaims } from './left-claims.ts';
import type { Located } from './locate.ts';
import { isMadeByOwn } from './managed-fields.ts';
import { outlastRemoval } from './outlast-removal.ts';
import { fieldsNamed, refusalOf, unknownKind } from './refusal.ts';
import { fieldsOfReplacement } from './replacement-fields.ts';
import { removeForReplacement, wayToReplace, wayWithClaims } from './replace.ts';
import { exactly, isVague } from './set-at-creation.ts';
import { stringDataAsData } from './string-data.ts';
import { holdsManifestTool, takeOver } from './take-over.ts';
import { waitEstablished } from './wait-established.ts';

/** `replaced`: another object has its name now. */
export type Outcome = 'created' | 'changed' | 'replaced' | 'unchanged';

export interface Writing {
  readonly kube: Kube;
  readonly memory: AppliedMemory | undefined;
  readonly jobs: CompletedJobs | undefined;
  /** Whether fields that others hold are taken from them. */
  readonly forceConflicts: boolean;
  readonly report: Reporter;
  /** Until when objects that have to go first are waited for, by `performance.now()`. */
  readonly removalsUntil: () => number;
  /** Uids of those that were waited for to the end: they are not waited for again. */
  readonly givenUp: Set<string>;
  readonly leftClaims: LeftClaims;
  /** Of the apply: see Outlasting. */
  readonly signal: AbortSignal;
}

/** HTTP's answer to a write that made what was not there. */
const madeAnew = 201;
/** An object may have to be taken over, then be replaced, and change in between. */
const mostTries = 4;

/** What is replaced goes in this time, unless something holds it. */
const replacedWithinMs = 30_000;

/** An object on its way. */
interface Sending extends Located {
  readonly resource: KubeResource;
  readonly body: string;
  /** undefined: no member of the set so far. */
  readonly before: Member | undefined;
}

/**
 * Applies one object. What stands against that and can be mended without a loss is mended, and said: fields that other tools
 * of manifests wrote become ours, and an object of the set whose change is refused in place is replaced.
 *
 * @returns a Failure for what the server refuses. @throws Failure `unreachable`; ApiError 401.
 */
export async function writeOne(
  located: Located,
  before: Member | undefined,
  writing: Writing,
): Promise<Outcome | Failure> {
  const { id, object, resource } = located;
  if (!resource) return unknownKind(writing.kube, id, await whereRefused(located, []), never);
  const body = stringifyJson(stringDataAsData(object));
  const sending = { ...located, resource, body, before };
  if (!before && writing.jobs?.hasRun(sending)) return 'unchanged';
  const isApplied = before !== undefined && writing.memory?.isApplied(body, before.metadata);
  if (isApplied && (await stands(sending, before.metadata, writing))) return 'unchanged';
  await writing.jobs?.begin(sending);
  let refused: ApiError | undefined;
  for (let left = mostTries; ; left--)
    try {
      if (refused) {
        const mended = left > 0 && (await mend(sending, refused, writing));
        if (mended instanceof Failure) return mended;
        if (!mended) return failureOf(sending, refused);
      }
      return await send(sending, writing);
    } catch (error) {
      // What a mend is refused for, too, ends this object and not the apply.
      if (!(error instanceof ApiError) || error.status === 401) throw error;
      refused = error;
    }
}

async function failureOf(sending: Sending, error: ApiError): Promise<Failure> {
  const { id } = sending;
  const held = conflictsOf(error);
  const fields = held.length > 0 ? held.map(({ field }) => field) : fieldsNamed(error);
  const where = await whereRefused(sending, fields);
  return held.length > 0 ? conflictFailure(id, where, held, error) : refusalOf(id, where, error);
}

/** Whether what was applied before is there; a Job with a time-to-live may have gone since it was read. */
async function stands(sending: Sending, metadata: ObjectMeta, { jobs }: Writing): Promise<boolean> {
  return jobs?.takeUp(sending, sending.resource, metadata) ?? true;
}

async function send(sending: Sending, writing: Writing): Promise<Outcome | Failure> {
  const { id, body, before, resource } = sending;
  const { kube, memory, jobs } = writing;
  let answer = await patch(sending, writing);
  while (answer.metadata.deletionTimestamp !== undefined) {
    const staying = await outlast(sending, answer.metadata, 0, writing);
    if (staying) return staying;
    answer = await patch(sending, writing);
  }
  // Made by a request whose answer was lost: made again, it finds what it did itself.
  const isOwnDoing = answer.isRepeated && isMadeByOwn(answer.metadata);
  const isNew = answer.code === madeAnew || (before === undefined && isOwnDoing);
  // What another tool wrote and the manifest has not got would stay for ever.
  if (!before && !isNew && holdsManifestTool(answer.metadata)) {
    await tellTakenOver(sending, writing);
    answer = await patch(sending, writing);
  }
  // Objects of its kind are refused until then.
  const unserved = isCrd(id) ? await waitEstablished(kube, id.name) : undefined;
  if (unserved) return unserved;
  memory?.remember(body, answer.metadata);
  jobs?.follow(sending, resource, answer);
  if (!before) return isNew ? 'created' : 'changed';
  return compare(before.metadata, answer.metadata);
}

async function outlast(
  sending: Sending,
  metadata: ObjectMeta,
  tellAfterMs: number,
  { kube, report, removalsUntil, givenUp, signal }: Writing,
): Promise<Failure | undefined> {
  const { uid = '' } = metadata;
  const withinMs = givenUp.has(uid) ? 0 : Math.max(0, removalsUntil() - performance.now());
  const staying = await outlastRemoval(kube, sending, metadata, { report, tellAfterMs, withinMs, signal });
  if (staying) givenUp.add(uid);
  return staying;
}

type Answer = Pick<KubeObject, 'metadata'> & {
  readonly code: number;
  readonly isRepeated: boolean;
  readonly status: unknown;
};

async function patch(sending: Sending, { kube, jobs, forceConflicts }: Writing): Promise<Answer> {
  let code = 0;
  let isRepeated = false;
  const { metadata, status } = await kube.request<KubeObject>({
    ...applyRequest(sending, { force: forceConflicts }),
    accept: jobs?.asksStatus(sending) ? 'application/json' : metadataOfOne,
    onStatus: (answered) => {
      code = answered;
    },
    onRepeat: () => {
      isRepeated = true;
    },
    signal: never,
  });
  return { code, isRepeated, metadata, status };
}

/** @returns whether the object can be sent again, or a Failure for what stands in its way. */
async function mend(sending: Sending, error: ApiError, writing: Writing): Promise<boolean | Failure> {
  const conflicts = conflictsOf(error);
  if (conflicts.length > 0) return conflicts.some(isTakenOver) && tellTakenOver(sending, writing);
  // Between reading an object and writing to it somebody else has written: what is read anew counts.
  if (error.status === 409 && error.reason === 'Conflict') return true;
  return replace(sending, error, writing);
}

async function tellTakenOver(sending: Sending, { kube, report }: Writing): Promise<boolean> {
  const tools = await takeOver(kube, sending, never);
  if (tools === undefined) return false;
  const named = tools.length > 0 ? tools.join(' and ') : 'an earlier write';
  report({ type: 'note', text: `${formatId(sending.id)}: its fields were held by ${named}, and are stormctl's now` });
  return true;
}

async function replace(sending: Sending, error: ApiError, writing: Writing): Promise<boolean | Failure> {
  const { id, object, before } = sending;
  const { kube, report, leftClaims } = writing;
  // What is no member is not ours to delete.
  let way = before && wayToReplace(before, error);
  if (!before || !way) return false;
  const isGoing = before.metadata.deletionTimestamp !== undefined;
  if (isStatefulSet(id)) {
    const path = pathOf(before.resource, id);
    const live = await askMaybe<KubeObject>(kube, { method: 'GET', path, signal: never });
    // It has gone meanwhile.
    if (!live) return true;
    if (!isGoing && changesSelector(live, object)) return false;
    way = wayWithClaims(way, live, object);
    await leftClaims.keep(before, object);
  }
  if (isGoing) return (await outlast(sending, before.metadata, 0, writing)) ?? true;
  const because = await causeOf(sending, way.because, error, kube);
  report({
    type: 'warning',
    text: `${formatId(id)} is deleted and made again, since ${because}: ${way.words}`,
    next: way.next,
  });
  await removeForReplacement(kube, before, way);
  return (await outlast(sending, before.metadata, replacedWithinMs, writing)) ?? true;
}

/** Who may not read the object is told what the server says. */
async function causeOf({ id, object, resource }: Sending, said: string, error: ApiError, kube: Kube): Promise<string> {
  if (!isVague(error)) return said;
  try {
    const live = await askMaybe<KubeObject>(kube, { method: 'GET', path: pathOf(resource, id), signal: never });
    return live ? exactly(said, error, await fieldsOfReplacement(live, resource, object, kube, never)) : said;
  } catch (failed) {
    if (isForbidden(failed)) return said;
    throw failed;
  }
}

/** Pods that the new selector does not match would be nobody's, and stand in the way of those that it makes. */
function changesSelector(live: KubeObject, object: KubeObject): boolean {
  const [was, will] = [live, object].map((each) => (each['spec'] as { selector?: unknown } | undefined)?.selector);
  return !isDeepStrictEqual(was, will);
}

/**
 * The server leaves an object alone, down to its resourceVersion, when an apply changes nothing. A controller may have
 * written its status meanwhile: where there is a generation, that and the labels tell instead.
 */
function compare(before: ObjectMeta, after: ObjectMeta): Outcome {
  if (before.resourceVersion === after.resourceVersion) return 'unchanged';
  if (before.uid !== after.uid) return 'replaced';
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
