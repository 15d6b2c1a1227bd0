import type { HeartbeatTiming } from './heartbeat.ts';

/** Servers hand the frames of a session to as many workers, pings in turn: https://github.com/moby/spdystream (FRAME_WORKERS). */
const workers = 5;

export interface PulseOptions {
  readonly heartbeat: HeartbeatTiming;
  readonly ping: (id: number) => void;
  /** What the peer sends is read; false: its answer would lie unread. */
  readonly isRead: () => boolean;
  /** A process that does not read may hold up the answer. */
  readonly mayBeStuck: () => boolean;
  readonly onDead: (cause: Error) => void;
}

/**
 * Whether the peer of a session lives, by pings, from the first moment until `end`.
 *
 * Beats come one at a time: they wait in the server's queue behind a stream that is stuck, and would fill it. For the
 * same reason silence proves nothing while a connection may be stuck; then the kernel's keep-alive has to notice.
 */
export class SpdyPulse {
  readonly #options: PulseOptions;
  readonly #beats: NodeJS.Timeout;
  #pingId = -1;
  /** The pings that have no answer yet, the oldest first. */
  readonly #asked = new Map<number, { readonly at: number; readonly onPong: () => void }>();
  #heardAt = performance.now();
  #isDoubted = false;
  #hasEnded = false;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#beats = setInterval(() => this.#beat(), options.heartbeat.everyMs);
  }

  /** It has not shown that it lives since it was doubted, or for longer than it may take. */
  get isDoubtful(): boolean {
    return this.#isDoubted || this.#isLate();
  }

  /** Resolves when a ping that is sent now is answered. */
  felt(): Promise<void> {
    return new Promise((resolve) => this.#ping(resolve));
  }

  /** Resolves when the peer has handed on all that was sent before; never where a process does not read it. */
  async passed(): Promise<void> {
    // Each worker does one thing after another, so it answers after what it had to do before.
    await Promise.all(Array.from({ length: workers }, () => this.felt()));
  }

  /** Something has come from it. */
  heard(): void {
    this.#heardAt = performance.now();
    this.#isDoubted = false;
  }

  /** It has to show that it lives. */
  doubt(): void {
    this.#isDoubted = true;
    if (!this.#hasEnded && this.#asked.size === 0) this.#ping();
  }

  /** Takes in a ping: its own, which is answered, or the answer to ours. */
  take(id: number): void {
    if (id % 2 === 0) {
      this.#options.ping(id);
    } else {
      this.#asked.get(id)?.onPong();
      this.#asked.delete(id);
    }
  }

  end(): void {
    this.#hasEnded = true;
    clearInterval(this.#beats);
  }

  #ping(onPong: () => void = () => {}): void {
    this.#pingId += 2;
    this.#asked.set(this.#pingId, { at: performance.now(), onPong });
    this.#options.ping(this.#pingId);
  }

  #beat(): void {
    if (!this.#options.isRead()) this.#heardAt = performance.now();
    else if (this.#asked.size === 0) this.#ping();
    else if (this.#isLate() && !this.#options.mayBeStuck())
      // If this process itself was held up, the answer may have arrived and be unread: the loop reads it before this runs.
      setImmediate(() => {
        if (!this.#isLate()) return;
        this.#options.onDead(Object.assign(new Error('no answer to a ping'), { code: 'ETIMEDOUT' }));
      });
  }

  #isLate(): boolean {
    const [oldest] = this.#asked.values();
    if (!oldest) return false;
    return performance.now() - Math.max(oldest.at, this.#heardAt) >= this.#options.heartbeat.limitMs;
  }
}
