import type { Reporter } from '../events.ts';
import { pathOf } from '../kube/api-path.ts';
import { isNotFound, type Kube, type KubeResource } from '../kube/kube.ts';
import { never } from '../lib/abort.ts';
import { Scope } from '../lib/scope.ts';
import { singleFlight } from '../lib/single-flight.ts';
import { formatId, type KubeObject, keyOf, type ObjectId, type ObjectMeta } from '../objects.ts';
import { type ApplySet, type ApplySetRef, writeCompletedJobs } from './apply-set.ts';
import { askMaybe } from './ask.ts';
import { hasCompleted, hasTimeToLive, isNoteOf, noteOf, readCompletedJobs, type Sent } from './completed-note.ts';
import { type Conditioned, conditionOf } from './conditions.ts';

export interface CompletedJobsOptions {
  readonly kube: Kube;
  readonly ref: ApplySetRef;
  readonly report: Reporter;
}

/** What the cluster says of a Job. */
interface Taken extends Conditioned {
  readonly metadata: ObjectMeta;
}

interface Followed {
  readonly id: ObjectId;
  readonly note: string;
  readonly uid: string;
}

/**
 * Remembers of Jobs with a time-to-live that they completed, and as what: the cluster removes them, and an apply would run
 * them again. It stands in an annotation of the inventory. A Job is followed from its apply on, for its time may be over
 * before anybody waits for it.
 *
 * Disposing it ends the watches and awaits them.
 */
export class CompletedJobs implements AsyncDisposable {
  readonly #options: CompletedJobsOptions;
  readonly #scope = new Scope();
  /** By key the note of what was sent, as the inventory has it. */
  #remembered = new Map<string, string>();
  #isRead = false;
  /** Those that were applied by this session and have not ended. */
  readonly #followed = new Map<string, Followed>();
  /** Keys of those that completed as they were sent last. */
  readonly #done = new Set<string>();
  readonly #told = new Set<string>();
  readonly #listeners = new Set<() => void>();
  readonly #write: () => Promise<void>;

  constructor(options: CompletedJobsOptions) {
    this.#options = options;
    this.#write = singleFlight(() => this.#save());
  }

  /**
   * @param set the inventory. What the first call gives counts: from then on this one writes it. Without one (it may have
   * gone with its namespace) nothing has run.
   */
  read(set: Pick<ApplySet, 'completedJobs'> | undefined): void {
    if (this.#isRead && set) return;
    this.#isRead = true;
    this.#remembered = new Map(readCompletedJobs(set?.completedJobs));
    this.#done.clear();
    this.#told.clear();
  }

  /** Whether a Job that is not there has run already, as it would be sent now: that is told once. */
  hasRun({ id, object, body }: Sent): boolean {
    const key = keyOf(id);
    if (!hasCompleted({ id, object, body }, this.#remembered)) return false;
    this.#done.add(key);
    if (!this.#told.has(key))
      this.#options.report({
        type: 'note',
        text: `${formatId(id)} completed before and was removed by its time-to-live: it runs again when it is changed`,
      });
    this.#told.add(key);
    return true;
  }

  /** Before a Job is sent: that it completed as something else does not count any more. */
  async begin({ id, body }: Pick<Sent, 'id' | 'body'>): Promise<void> {
    const remembered = this.#remembered.get(keyOf(id));
    if (remembered === undefined || isNoteOf(remembered, body)) return;
    this.#done.delete(keyOf(id));
    this.#remembered.delete(keyOf(id));
    await this.#write();
  }

  /** Whether the status of a Job counts when the cluster has taken it: it may have completed before, and go any moment. */
  asksStatus({ id, object, body }: Sent): boolean {
    return hasTimeToLive(object) && !isNoteOf(this.#remembered.get(keyOf(id)), body);
  }

  /**
   * Follows a Job that stands as it would be sent.
   * @returns false when it has gone, and nobody knows whether it completed. @throws ApiError, Failure `unreachable`.
   */
  async takeUp(sent: Sent, resource: KubeResource, metadata: ObjectMeta): Promise<boolean> {
    const path = pathOf(resource, sent.id);
    const isAsked = this.asksStatus(sent) && !this.#isFollowing(sent, metadata);
    const standing = isAsked
      ? await askMaybe<KubeObject>(this.#options.kube, { method: 'GET', path, signal: never })
      : { metadata };
    if (!standing || standing.metadata.uid !== metadata.uid) return false;
    this.follow(sent, resource, standing);
    return true;
  }

  /** Follows a Job that the cluster has taken until it ends. @param taken with its status, if `asksStatus` says so. */
  follow(sent: Sent, resource: KubeResource, taken: Taken): void {
    const { id, object, body } = sent;
    const [key, note] = [keyOf(id), noteOf(sent)];
    const { uid = '' } = taken.metadata;
    if (!hasTimeToLive(object)) return;
    if (isNoteOf(this.#remembered.get(key), body)) return void this.#done.add(key);
    if (this.#isFollowing(sent, taken.metadata)) return;
    const followed = { id, note, uid };
    this.#followed.set(key, followed);
    const isOver = isComplete(taken);
    this.#scope.run(
      async (signal) => {
        if (isOver || (await this.#completes(followed, resource, signal))) await this.#keep(followed);
        this.#leave(followed);
      },
      (error) => {
        this.#leave(followed);
        const cause = (error as Error).message;
        const text = `${formatId(id)} may run again when its time-to-live is over: that it completed can't be kept (${cause})`;
        this.#options.report({ type: 'warning', text });
      },
    );
  }

  /** Whether it completed as it was sent last, there or not. */
  isDone(id: ObjectId): boolean {
    return this.#done.has(keyOf(id));
  }

  /** Whether it is followed: it is not over before that it completed is kept, or can't be. */
  isFollowed(id: ObjectId): boolean {
    return this.#followed.has(keyOf(id));
  }

  /** Forgets all but these. */
  async retain(ids: readonly ObjectId[]): Promise<void> {
    const keys = new Set(ids.map(keyOf));
    const gone = [...this.#remembered.keys()].filter((key) => !keys.has(key));
    for (const key of gone) this.#remembered.delete(key);
    if (gone.length > 0) await this.#write();
  }

  /** Called when one is not followed any more. @returns the function that ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  /** @returns false when it fails, or is not there any more and was not seen to complete. */
  async #completes({ id, uid }: Followed, resource: KubeResource, signal: AbortSignal): Promise<boolean> {
    const request = { path: pathOf(resource, { namespace: id.namespace }), fieldSelector: `metadata.name=${id.name}` };
    for await (const event of this.#options.kube.watch(request, signal)) {
      if (event.type === 'lost') continue;
      const objects = event.type === 'list' ? event.objects : [event.object];
      const job = objects.find(({ metadata }) => metadata.uid === uid);
      if (job && isComplete(job)) return true;
      if (!job || event.type === 'gone' || conditionOf(job, 'Failed')?.status === 'True') return false;
    }
    return false;
  }

  async #keep({ id, note, uid }: Followed): Promise<void> {
    const key = keyOf(id);
    // It was replaced meanwhile.
    if (this.#followed.get(key)?.uid !== uid) return;
    // It completed, whether that can be kept or not.
    this.#done.add(key);
    this.#remembered.set(key, note);
    await this.#write();
  }

  #isFollowing(sent: Sent, { uid = '' }: ObjectMeta): boolean {
    const followed = this.#followed.get(keyOf(sent.id));
    return followed?.uid === uid && isNoteOf(followed.note, sent.body);
  }

  #leave(followed: Followed): void {
    if (this.#followed.get(keyOf(followed.id)) === followed) this.#followed.delete(keyOf(followed.id));
    for (const listener of this.#listeners) listener();
  }

  async #save(): Promise<void> {
    const { kube, ref } = this.#options;
    const entries = [...this.#remembered].sort(([a], [b]) => (a < b ? -1 : 1));
    const text = entries.length === 0 ? undefined : JSON.stringify(Object.fromEntries(entries));
    try {
      await writeCompletedJobs(kube, ref, text, this.#scope.signal);
    } catch (error) {
      // Without an inventory there is nothing to remember.
      if (!isNotFound(error)) throw error;
    }
  }
}

function isComplete(job: Conditioned): boolean {
  return conditionOf(job, 'Complete')?.status === 'True';
}
