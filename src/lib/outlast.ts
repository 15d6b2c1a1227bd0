import { LinkedSignal } from './abort.ts';
import { backoff, wait } from './wait.ts';

/** How long, and how, failures of one kind are outlasted. */
interface Lasting {
  readonly kind: string;
  /** From the beginning of the first attempt that failed so; 0: not at all. */
  readonly forMs: number;
  /** The pause that whoever was asked wants; default: one that grows. */
  readonly pauseMs?: number | undefined;
}

export interface Outlasting {
  /** @returns undefined for a failure that doing it again can't mend. */
  readonly lasting: (error: unknown) => Lasting | undefined;
  /** Called before each pause, with how long failures of that kind have lasted. */
  readonly onFailed?: ((error: unknown, kind: string, ms: number) => void) | undefined;
  readonly firstPauseMs?: number;
  readonly mostPauseMs?: number;
}

/**
 * Does a task again while its failures are of a kind that may be over by then, and their time is not.
 * @throws what the last attempt threw; AbortError as soon as one of the signals is aborted in a pause.
 */
export async function outlast<T>(
  task: () => Promise<T>,
  { lasting, onFailed, firstPauseMs = 100, mostPauseMs = 2000 }: Outlasting,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<T> {
  const delays = backoff(firstPauseMs, mostPauseMs);
  const began = new Map<string, number>();
  using either = new LinkedSignal(...signals);
  for (;;) {
    const startedAt = performance.now();
    try {
      return await task();
    } catch (error) {
      const found = lasting(error);
      if (!found || either.signal.aborted) throw error;
      const since = began.get(found.kind) ?? startedAt;
      began.set(found.kind, since);
      const ms = performance.now() - since;
      const pauseMs = Math.max(delays.next(), found.pauseMs ?? 0);
      if (ms + pauseMs >= found.forMs) throw error;
      onFailed?.(error, found.kind, ms);
      await wait(pauseMs, either.signal);
    }
  }
}
