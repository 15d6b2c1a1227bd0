import { Failure, isAbort } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { ApiError } from '../kube/kube.ts';
import type { Kube } from '../kube/kube.ts';
import { untilAborted } from '../lib/abort.ts';
import { Scope } from '../lib/scope.ts';
import { wait } from '../lib/wait.ts';
import type { ApplySetRef } from './apply-set.ts';
import { clusterFailure } from './ask.ts';
import { ensureNamespace } from './ensure-namespace.ts';
import type { Gate } from './gated-kube.ts';
import { hasDied, type Holder, nameOf, thisHolder } from './holder.ts';
import { isNamespaceGone } from './namespace-gone.ts';
import { createLease, formatLease, type Lease, leaseSeconds, readLease, removeLease, writeLease } from './lease.ts';

export interface HoldOptions {
  readonly kube: Kube;
  readonly ref: ApplySetRef;
  /** `dev`, `run` … */
  readonly command: string;
  /** Whether a namespace that is absent is made; else there is nothing in it to hold, and nothing is. */
  readonly makesNamespace: boolean;
  /** How long a namespace that is being deleted is waited for. Default: for as long as it takes. */
  readonly removalMs?: number | undefined;
  readonly report: Reporter;
  readonly signal: AbortSignal;
  readonly timing?: HoldTiming;
  /** Default: this process. */
  readonly holder?: Holder;
}

interface HoldTiming {
  /** Between two signs of life. */
  readonly beatMs: number;
  /** After the last sign of life a session is taken for dead. */
  readonly lifeMs: number;
}

/** How long the end of a session waits for the server to take the Lease back. */
const goodbyeMs = 3000;

const usual: HoldTiming = { beatMs: 5000, lifeMs: leaseSeconds * 1000 };

/**
 * Takes a project for one session: nobody else writes to it until the hold is disposed. A session that died, as one can
 * tell on this machine by its process and elsewhere by its silence, is taken over, and that is said.
 *
 * @throws Failure `guard` that says who holds it; Failure `unreachable`, `refused`; AbortError.
 */
export async function holdProject(options: HoldOptions): Promise<ProjectHold> {
  const holder = options.holder ?? (await thisHolder(options.command));
  const taking = { ...options, holder, timing: options.timing ?? usual };
  try {
    return new ProjectHold(taking, await take(taking));
  } catch (error) {
    throw clusterFailure(error);
  }
}

/**
 * Takes nothing, and only looks whether another session has the project: for what fails because it has.
 * @throws Failure `guard` that says who holds it; Failure `unreachable`, ApiError, AbortError.
 */
export async function checkUnheld(kube: Kube, ref: ApplySetRef, signal: AbortSignal): Promise<void> {
  const holder = await thisHolder('');
  const found = await readLease(kube, ref, signal);
  const isAlive = Math.abs(Date.now() - found.renewedAt) < usual.lifeMs;
  if (isAlive && !(found.holder && hasDied(found.holder, holder))) throw held(ref, found, { holder, kube });
}

type Taking = HoldOptions & Required<Pick<HoldOptions, 'timing' | 'holder'>>;

/** A project that this session holds. Its writes pass only as long as that is so. Disposing it gives the Lease back. */
export class ProjectHold implements Gate, AsyncDisposable {
  readonly #options: Taking;
  readonly #lost = new AbortController();
  readonly #scope = new Scope();
  /** Of the requests: what is under way when this ends is awaited for a moment, for the version that it leaves. */
  readonly #closing = new AbortController();
  /** undefined while there is none: the namespace is gone, or this user may have none. */
  #lease: Lease | undefined;
  #provenAt: Instant;
  #renewing: Promise<void> | undefined;

  constructor(options: Taking, lease: Lease | undefined) {
    this.#options = options;
    this.#lease = lease;
    this.#provenAt = now();
    if (lease)
      this.#scope.run(
        (signal) => this.#beat(signal),
        (error) => this.#lose(error),
      );
  }

  /** Aborted, with a Failure `guard` as its reason, once another session has taken the project. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whoever was away for longer than it takes to be taken for dead asks before it writes. */
  async beforeWrite(signal: AbortSignal | undefined): Promise<void> {
    this.#lost.signal.throwIfAborted();
    const { beatMs, lifeMs } = this.#options.timing;
    if (!this.#lease || since(this.#provenAt) < (beatMs + lifeMs) / 2) return;
    await untilAborted(this.#renew(), signal);
    this.#lost.signal.throwIfAborted();
  }

  /** Never throws: a Lease that can't be given back expires. */
  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#closing.abort(), goodbyeMs).unref();
    await this.#scope[Symbol.asyncDispose]();
    await this.#giveBack().catch(() => {});
    clearTimeout(timer);
  }

  async #giveBack(): Promise<void> {
    if (!this.#lease || this.#lost.signal.aborted) return;
    const { kube, ref, holder } = this.#options;
    const { signal } = this.#closing;
    try {
      await removeLease(kube, ref, this.#lease, signal);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409)) throw error;
      const found = await readLease(kube, ref, signal);
      if (found.holder?.session === holder.session) await removeLease(kube, ref, found, signal);
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    while (!this.#lost.signal.aborted) {
      await wait(this.#options.timing.beatMs, signal);
      // A server that is away is told by those who need it; this goes on as soon as it is back.
      await this.#renew().catch(() => {});
    }
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewOnce(): Promise<void> {
    const { kube, ref, holder } = this.#options;
    const { signal } = this.#closing;
    const at = now();
    try {
      if (this.#lease) this.#lease = await writeLease(kube, ref, holder, this.#lease, signal);
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 409 && error.status !== 404)) throw error;
      await this.#regain(error.status);
    }
    this.#provenAt = at;
  }

  /** Somebody wrote to the Lease, or took it away: perhaps another session, perhaps a person. */
  async #regain(status: number): Promise<void> {
    const { kube, ref, holder } = this.#options;
    const { signal } = this.#closing;
    try {
      if (status === 404) {
        this.#lease = await createLease(kube, ref, holder, signal);
        return;
      }
      const found = await readLease(kube, ref, signal);
      if (found.holder?.session !== holder.session) return this.#lose(taken(ref, found));
      this.#lease = await writeLease(kube, ref, holder, found, signal);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (isTaken(error)) return this.#regain(409);
      // A Lease that is gone conflicts with the version that was read of it.
      if (error.status === 404 && status !== 404) return this.#regain(404);
      // Without its namespace there is nothing to hold: it is tried again by the next beat.
      if (!isNamespaceGone(error)) throw error;
    }
  }

  #lose(reason: unknown): void {
    if (!isAbort(reason) && !this.#lost.signal.aborted) this.#lost.abort(reason);
  }
}

/** Each of them meets something else: the namespace went, the Lease came, went, or changed hands in between. */
const maxTries = 10;

async function take(options: Taking): Promise<Lease | undefined> {
  const { kube, ref, holder, signal, report } = options;
  for (let tries = 1; ; tries++) {
    try {
      return await createLease(kube, ref, holder, signal);
    } catch (error) {
      if (!(error instanceof ApiError) || tries === maxTries) throw error;
      if (isNamespaceGone(error)) {
        if (!options.makesNamespace) return undefined;
        await ensureNamespace(kube, ref, signal, { withinMs: options.removalMs, report });
        continue;
      }
      if (error.status === 403) {
        report({ type: 'note', text: unprotected(ref) });
        return undefined;
      }
      if (!isTaken(error)) throw error;
    }
    const lease = await takeOver(options);
    if (lease) return lease;
  }
}

/** @returns undefined when it is gone, or changed, in between. @throws Failure `guard` when it is held. */
async function takeOver(options: Taking): Promise<Lease | undefined> {
  const { kube, ref, holder, signal, report } = options;
  try {
    const found = await readLease(kube, ref, signal);
    if (found.holder?.session === holder.session) return found;
    const because = await whyFree(found, options);
    if (because === undefined) throw held(ref, found, options);
    const lease = await writeLease(kube, ref, holder, found, signal);
    report({ type: 'note', text: `took ${ref.name} over from ${describeHolder(found)}: ${because}` });
    return lease;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 409 || error.status === 404)) return undefined;
    throw error;
  }
}

/**
 * The clocks of two machines may differ by any amount. A sign of life that looks fresh is believed; one that looks old, or
 * comes from the future, counts as none only after nothing came for longer than it takes to give another one.
 */
async function whyFree(found: Lease, { kube, ref, holder, timing, signal, report }: Taking) {
  if (found.holder && hasDied(found.holder, holder)) return 'its process has ended';
  if (Math.abs(Date.now() - found.renewedAt) < timing.lifeMs) return undefined;
  report({ type: 'note', text: `${describeHolder(found)} held ${ref.name} and seems to be gone: making sure` });
  await wait(timing.beatMs * 1.5, signal);
  const still = await readLease(kube, ref, signal);
  return still.resourceVersion === found.resourceVersion ? 'it gives no sign of life' : undefined;
}

function held(ref: ApplySetRef, found: Lease, { holder, kube }: Pick<Taking, 'holder' | 'kube'>): Failure {
  const isHere = found.holder?.machine === holder.machine;
  const end = isHere ? `Ctrl+C there, or \`kill ${found.holder?.pid}\`` : 'Ctrl+C there';
  return new Failure('guard', `${ref.name} in ${ref.namespace} is held by ${describeHolder(found)}`, {
    where: `${formatLease(ref)} on ${kube.target.context}`,
    detail: `it began ${ago(found.acquiredAt)} and gave its last sign of life ${ago(found.renewedAt)}`,
    next: `end it first (${end}); one that died is free ${leaseSeconds} s after its last sign of life`,
  });
}

function taken(ref: ApplySetRef, found: Lease): Failure {
  return new Failure('guard', `${ref.name} in ${ref.namespace} was taken over by ${describeHolder(found)}`, {
    where: formatLease(ref),
    detail: `this session gave no sign of life for more than ${leaseSeconds} s: it slept, or the cluster was away`,
    next: 'nothing more is written by this one; end the other session, and start again',
  });
}

function unprotected({ name, namespace }: ApplySetRef): string {
  return `this user may not have Leases in ${namespace}: nobody is told when two sessions write to ${name} at once`;
}

function describeHolder({ holder, holderIdentity }: Lease): string {
  if (!holder) return holderIdentity === '' ? 'somebody' : holderIdentity;
  return `${nameOf(holder)} (stormctl ${holder.command}, pid ${holder.pid})`;
}

function isTaken({ reason }: ApiError): boolean {
  return reason === 'AlreadyExists';
}

function ago(ms: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - ms) / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}

/** A machine that sleeps stops one of its clocks, and a person may set the other. */
interface Instant {
  readonly steadyMs: number;
  readonly wallMs: number;
}

function now(): Instant {
  return { steadyMs: performance.now(), wallMs: Date.now() };
}

function since({ steadyMs, wallMs }: Instant): number {
  return Math.max(performance.now() - steadyMs, Math.abs(Date.now() - wallMs));
}
