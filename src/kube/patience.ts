import { outlast } from '../lib/outlast.ts';
import { ApiError, type KubeRequest } from './kube.ts';
import { askedPauseMs, type Passing, passingOf } from './passing.ts';

export interface PatienceOptions {
  /** How long a server that has answered once may be away: it restarts, or a network changes. */
  readonly awayMs: number;
  /** How long it may say that it can't just now. */
  readonly busyMs: number;
  /** How long a first answer is waited for where somebody takes the connections: before a cluster that starts. */
  readonly firstMs: number;
  /** How long it may be broken inside. A webhook whose own time is longer is not asked twice. */
  readonly brokenMs: number;
  /** The first pause. */
  readonly pauseMs: number;
  /** Of the command: what is being tried again when it is aborted ends. */
  readonly signal: AbortSignal | undefined;
  /** Called again and again while it lasts. */
  readonly onLost: (cause: unknown) => void;
  /** Called at every answer. */
  readonly onAnswer: () => void;
}

/** Longer than an API server takes to start again, and shorter than a person takes to give up. */
const usual: PatienceOptions = {
  awayMs: 60_000,
  busyMs: 60_000,
  firstMs: 5000,
  brokenMs: 3000,
  pauseMs: 100,
  signal: undefined,
  onLost: () => {},
  onAnswer: () => {},
};

/** A server that is busy for longer than this counts as lost. */
const busyLostMs = 2000;

/**
 * How long one API server is waited for, by every request to it: the one place where a request is made again. A server that
 * nobody ever reached is given up at once, and what it has understood and refuses is never asked twice.
 */
export class Patience {
  readonly #options: PatienceOptions;
  #hasAnswered = false;

  constructor(options: Partial<PatienceOptions> = {}) {
    this.#options = { ...usual, ...options };
  }

  /** @param isAsked whether the server was asked when there is an answer. @throws what the last attempt threw; AbortError. */
  outlast<T>(
    attempt: () => Promise<T>,
    mayRepeat: boolean,
    signal: AbortSignal | undefined,
    isAsked = true,
  ): Promise<T> {
    const { pauseMs, onLost } = this.#options;
    return outlast(
      () => this.#attempt(attempt, isAsked),
      {
        lasting: (error) => {
          const kind = passingOf(error);
          if (kind === undefined || (!mayRepeat && kind !== 'unmade' && kind !== 'refused')) return undefined;
          return { kind: families[kind], forMs: this.#limitMs(kind), pauseMs: askedPauseMs(error) };
        },
        onFailed: (error, family, ms) => {
          if (this.#hasAnswered && (family === 'away' || (family === 'busy' && ms >= busyLostMs))) onLost(error);
        },
        firstPauseMs: pauseMs,
      },
      signal,
      this.#options.signal,
    );
  }

  async #attempt<T>(attempt: () => Promise<T>, isAsked: boolean): Promise<T> {
    try {
      const answer = await attempt();
      if (isAsked) this.#answered();
      return answer;
    } catch (error) {
      // A refusal is an answer, too.
      if (error instanceof ApiError && passingOf(error) === undefined) this.#answered();
      throw error;
    }
  }

  #answered(): void {
    this.#hasAnswered = true;
    this.#options.onAnswer();
  }

  #limitMs(kind: Passing): number {
    const { awayMs, busyMs, brokenMs, firstMs } = this.#options;
    if (kind === 'broken') return brokenMs;
    if (!this.#hasAnswered) return kind === 'unmade' ? 0 : Math.min(firstMs, busyMs);
    return families[kind] === 'away' ? awayMs : busyMs;
  }
}

/** What turns into one another while a server restarts has its time together. */
const families: Readonly<Record<Passing, 'away' | 'busy' | 'broken'>> = {
  unmade: 'away',
  cut: 'away',
  busy: 'busy',
  refused: 'busy',
  broken: 'broken',
};

/**
 * Whether a request that may have been done can be made again. stormctl writes so that it can: server-side applies, patches
 * that set what they set, deletes by uid, replacements of a version, and creates whose caller takes `AlreadyExists` for an
 * answer. What the server names would be made twice.
 */
export function mayRepeat({ method, body, query }: KubeRequest): boolean {
  if (method !== 'POST' || query?.['dryRun'] !== undefined) return true;
  const { metadata } = (typeof body === 'string' ? (JSON.parse(body) as unknown) : (body ?? {})) as {
    readonly metadata?: { readonly name?: string };
  };
  return metadata?.name !== undefined;
}
