import { Failure } from '../errors.ts';
import { never } from '../lib/abort.ts';
import { mapLimited } from '../lib/map-limited.ts';
import type { ObjectId } from '../objects.ts';
import { keyOf } from '../objects.ts';
import type { ApplySetRef, Member } from './apply-set.ts';
import { type ConfigChanges, heldBack } from './config-changes.ts';
import { type Holding, judgeHolding } from './held-elsewhere.ts';
import type { Located } from './locate.ts';
import { isNamespace } from './protected.ts';
import { byRank } from './ranks.ts';
import type { Before } from './read-before.ts';
import { outcomesOf, type SoFar } from './so-far.ts';
import { type Outcome, type Writing, writeOne } from './write-one.ts';

interface Refused {
  readonly id: ObjectId;
  readonly failure: Failure;
}

export interface Written {
  /** What the server took, with the namespaces that it went to. */
  readonly objects: readonly ObjectId[];
  readonly created: readonly ObjectId[];
  readonly changed: readonly ObjectId[];
  /** Those of `changed` that were deleted and made again. */
  readonly replaced: readonly ObjectId[];
  readonly unchanged: number;
  readonly refused: readonly Refused[];
}

/** Enough to keep a local API server busy; a remote one sets its own pace by priority and fairness. */
const writesAtOnce = 16;

/** Writes objects rank by rank, and goes on past what is refused. @throws as writeOne; what was written is in `soFar`. */
export async function writeAll(objects: readonly Located[], before: Before, writing: WritingAll): Promise<Written> {
  const { soFar } = writing;
  const refused = new Map<string, Refused>();
  const emptied = new Set<string | undefined>();
  // What pods use is of an earlier rank than what makes them.
  for (const rank of byRank(objects, ({ id }) => id)) {
    await mapLimited(rank, writesAtOnce, async (located) => {
      const { id } = located;
      // What was read in a namespace that went since went with it.
      const known = emptied.has(id.namespace) ? undefined : before.byKey.get(keyOf(id));
      const result = await writeInTurn(located, known, refused, writing);
      if (isNamespace(id) && (result === 'created' || result === 'replaced')) emptied.add(id.name);
      if (typeof result === 'string') soFar[result].push(id);
      else refused.set(keyOf(id), { id, failure: result });
    });
  }
  const outcomes = outcomesOf(soFar);
  const written = [...outcomes.created, ...outcomes.changed, ...soFar.unchanged];
  return { ...outcomes, objects: written, refused: [...refused.values()] };
}

export interface WritingAll extends Writing {
  readonly config: ConfigChanges;
  readonly ref: ApplySetRef;
  /** By key, what other sets hold. */
  readonly held: ReadonlyMap<string, Holding>;
  readonly told: Set<string>;
  readonly soFar: SoFar;
}

/** Writes a workload only with what it uses, and tells when that makes its pods anew. */
async function writeInTurn(
  located: Located,
  before: Member | undefined,
  refused: ReadonlyMap<string, Refused>,
  writing: WritingAll,
): Promise<Outcome | Failure> {
  const held = heldBack(located, refused);
  if (held) return held;
  const { id } = located;
  const holding = writing.held.get(keyOf(id));
  if (holding) return leaveToHolder(located, holding, writing);
  const { config, report } = writing;
  const because = before ? await config.reasonsToRestart(located) : [];
  const result = await writeOne(located, before, writing);
  const isChanged = result === 'changed' || result === 'replaced';
  if (typeof result === 'string') config.took(id, isChanged);
  if (isChanged && because.length > 0) report({ type: 'deploy.restarts', object: id, because });
  return result;
}

/** @returns a Failure unless it is as it would be written. */
async function leaveToHolder(
  located: Located,
  holding: Holding,
  { kube, ref, told, report }: WritingAll,
): Promise<Outcome | Failure> {
  const judged = await judgeHolding(kube, ref, located, holding, never);
  if (judged instanceof Failure) return judged;
  const key = `shared ${keyOf(located.id)}`;
  if (!told.has(key)) report({ type: 'note', text: judged });
  told.add(key);
  return 'unchanged';
}
