/** Time as the machine has it, or as a test says it is. */
export interface Clock {
  /** Milliseconds that only grow. */
  now(): number;
  /** Runs once after `ms`; the returned function forgets it. */
  after(ms: number, run: () => void): () => void;
}

const machineClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface CoalesceOptions {
  /** A batch closes this long after its last event … */
  readonly quietMs: number;
  /** … and at the latest this long after its first. */
  readonly maxMs: number;
  /** Called once a batch, with the time of its first event. */
  readonly close: (firstAt: number) => void;
  readonly clock?: Clock;
}

export interface Coalescer {
  /** One more event. */
  touch(): void;
  /** Forgets the open batch, if there is one. */
  cancel(): void;
}

/** Joins events that come close together into one batch. A burst of a thousand events costs a handful of timers. */
export function coalesce({ quietMs, maxMs, close, clock = machineClock }: CoalesceOptions): Coalescer {
  let open: { readonly firstAt: number; lastAt: number; forget: () => void } | undefined;

  const check = () => {
    if (!open) return;
    const { firstAt, lastAt } = open;
    const dueIn = Math.min(lastAt + quietMs, firstAt + maxMs) - clock.now();
    if (dueIn > 0) {
      open.forget = clock.after(dueIn, check);
      return;
    }
    open = undefined;
    close(firstAt);
  };

  return {
    touch() {
      const now = clock.now();
      if (open) open.lastAt = now;
      else open = { firstAt: now, lastAt: now, forget: clock.after(quietMs, check) };
    },
    cancel() {
      open?.forget();
      open = undefined;
    },
  };
}
