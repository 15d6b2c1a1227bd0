import { setMaxListeners } from 'node:events';
import type { HeartbeatTiming } from './heartbeat.ts';
import type { Link } from './link.ts';
import { SpdyPulse } from './spdy-pulse.ts';
import { FrameReader, StreamOpener, dataHead, goAwayFrame, pingFrame, resetFrame } from './spdy-frames.ts';

/** How much may be unread of a connection that does not share its session. */
const ownBudget = 1024 * 1024;
/** And of all together, where one that is not read would keep bytes from the others. */
const sharedBudget = 16 * 1024 * 1024;
/** Less than this fits into the buffers between here and a process that does not read. */
const surelyTaken = 64 * 1024;
/** Larger payloads make others wait, and an unread piece of one keeps all of it in memory. */
const maxPayload = 256 * 1024;

export interface SessionOptions {
  readonly heartbeat: HeartbeatTiming;
  /** How long a session without connections is kept for the next one. */
  readonly idleMs: number;
  /** Aborted when the session must end at once. */
  readonly signal: AbortSignal;
}

/** One stream as its session tells of it; after `onLost` or `onReset` it is forgotten. */
export interface StreamEvents {
  onReply(): void;
  onData(bytes: Buffer): void;
  onEnd(): void;
  onReset(): void;
  onLost(cause: Error): void;
}

/** A connection over a session, of whatever many streams. */
export interface Tenant {
  /** Bytes that have come and are not read. */
  readonly unread: number;
  /** Bytes that were sent. */
  readonly sent: number;
}

/**
 * One SPDY/3.1 connection to a pod, shared by the connections to its ports. It notices a dead peer by pings, goes on
 * when the server says that it goes away, and closes itself when it has been without connections for a while.
 *
 * There is no flow control of a stream: servers (github.com/moby/spdystream) neither count nor send windows. Too much
 * that is unread stops the reading of the whole session, and a full socket the writers: so a session where somebody is
 * waited for `isHeldUp`, and the next connection should have another.
 */
export class SpdySession {
  /** Resolves when it is closed, in whatever way. */
  readonly closed: Promise<void>;
  readonly #link: Link;
  readonly #options: SessionOptions;
  readonly #reader: FrameReader;
  readonly #opener = new StreamOpener();
  readonly #streams = new Map<number, StreamEvents>();
  readonly #tenants = new Set<Tenant>();
  /** Those that are not read as fast as bytes come. */
  readonly #slow = new Set<Tenant>();
  readonly #writers: (() => void)[] = [];
  readonly #pulse: SpdyPulse;
  #idle: NodeJS.Timeout | undefined;
  #isPaused = false;
  #isRetired = false;
  #cause: Error | undefined;
  #requests = 0;
  #resolveClosed: () => void = () => {};

  constructor(link: Link, options: SessionOptions) {
    this.#link = link;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    setMaxListeners(0, options.signal);
    const abort = () => this.fail(new Error('the session was aborted'));
    options.signal.addEventListener('abort', abort, { once: true });
    this.#pulse = new SpdyPulse({
      heartbeat: options.heartbeat,
      ping: (id) => link.write(pingFrame(id)),
      isRead: () => !this.#isPaused,
      mayBeStuck: () => link.isCongested || [...this.#tenants].some(({ sent }) => sent > surelyTaken),
      onDead: (cause) => this.fail(cause),
    });
    void this.closed.then(() => options.signal.removeEventListener('abort', abort));
    this.#reader = new FrameReader({
      onReply: (id) => this.#find(id)?.onReply(),
      onData: (id, bytes) => this.#find(id)?.onData(bytes),
      onEnd: (id) => this.#find(id)?.onEnd(),
      onReset: (id) => {
        const stream = this.#find(id);
        this.#streams.delete(id);
        stream?.onReset();
      },
      onPing: (id) => this.#pulse.take(id),
      onGoAway: () => this.retire(),
    });
    link.begin({
      onBytes: (bytes) => this.#feed(bytes),
      onDrained: () => {
        for (const write of this.#writers.splice(0)) write();
      },
      onClosed: (error) => this.#end(error),
    });
    if (options.signal.aborted) abort();
  }

  /** The error that it ended with, once it has ended. */
  get cause(): Error | undefined {
    return this.#cause;
  }

  /** It takes new connections. */
  get isOpen(): boolean {
    return !this.#isRetired && this.#cause === undefined;
  }

  /** Somebody does not read, here or there, and what others send and get may have to wait for that. */
  get isHeldUp(): boolean {
    return this.#isPaused || this.#pulse.isDoubtful || this.#link.isCongested;
  }

  /**
   * Resolves when the server has answered a ping: there is somebody who speaks SPDY. From then on it may idle. Rejects when
   * the session ends.
   */
  async answered(): Promise<void> {
    await Promise.race([this.#pulse.felt(), this.closed]);
    if (this.#cause) throw this.#cause;
    this.#idleIfEmpty();
  }

  /** @returns a number that no other connection of the session has. */
  enter(tenant: Tenant): number {
    clearTimeout(this.#idle);
    this.#tenants.add(tenant);
    return this.#requests++;
  }

  /** @param isBroken it did not end both ways in order. */
  leave(tenant: Tenant, isBroken: boolean): void {
    if (!this.#tenants.delete(tenant)) return;
    this.#slow.delete(tenant);
    // A server that waits for somebody to read handles nothing else of its worker's streams, not even this one's reset.
    // https://github.com/moby/spdystream hands the bytes of a stream on unbuffered: one that was refused is enough.
    if (isBroken && tenant.sent > 0) this.retire();
    this.#regulate();
    this.#idleIfEmpty();
  }

  /** @param isLast nothing will be sent on the stream. */
  open(headers: Readonly<Record<string, string>>, isLast: boolean, events: StreamEvents): number {
    const { id, frame } = this.#opener.open(headers, isLast);
    this.#streams.set(id, events);
    this.#link.write(frame);
    return id;
  }

  /** @param done called when there is room for more; never once the session has ended. */
  send(id: number, bytes: Buffer, done: () => void): void {
    const payload = bytes.subarray(0, maxPayload);
    this.#link.write(dataHead(id, payload.length, false), payload);
    const next = () => {
      if (payload.length < bytes.length) this.send(id, bytes.subarray(payload.length), done);
      else done();
    };
    if (this.#link.isCongested) this.#writers.push(next);
    else next();
  }

  /** Resolves when what was sent so far has reached those it is for; never where one does not read, or the session ends. */
  passed(): Promise<void> {
    return this.#pulse.passed();
  }

  sendEnd(id: number): void {
    this.#link.write(dataHead(id, 0, true));
  }

  /** What comes on these streams from now on is dropped. */
  forget(...ids: readonly number[]): void {
    for (const id of ids) this.#streams.delete(id);
  }

  reset(id: number): void {
    if (this.#cause === undefined) this.#link.write(resetFrame(id));
  }

  /** Says that more has come for a connection than it is read. */
  slow(tenant: Tenant): void {
    this.#slow.add(tenant);
    this.#regulate();
  }

  /** Says that a connection wants more. */
  swift(tenant: Tenant): void {
    if (this.#slow.delete(tenant)) this.#regulate();
  }

  /** Takes no more connections; those that it has go on. */
  retire(): void {
    this.#isRetired = true;
    this.#idleIfEmpty();
  }

  /** Takes no more connections until it has shown that it lives: its network may be another by now. */
  doubt(): void {
    this.#pulse.doubt();
  }

  /** Ends it and its connections. */
  fail(cause: Error): void {
    this.#end(cause);
    this.#link.destroy();
  }

  #feed(bytes: Buffer): void {
    this.#pulse.heard();
    if (this.#cause) return;
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      this.fail(Object.assign(new Error(`not SPDY: ${(error as Error).message}`), { code: 'ERR_NOT_SPDY' }));
    }
  }

  /** What a stream that is forgotten still gets means nothing; what none ever was tells of a peer that is confused. */
  #find(id: number): StreamEvents | undefined {
    if (id % 2 === 0 || id > this.#opener.lastId) throw new Error(`a frame of stream ${id}, which was never opened`);
    return this.#streams.get(id);
  }

  #regulate(): void {
    let unread = 0;
    for (const tenant of this.#slow) unread += tenant.unread;
    const budget = this.#tenants.size > 1 ? sharedBudget : ownBudget;
    const isTooMuch = this.#isPaused ? unread > budget / 2 : unread > budget;
    if (isTooMuch === this.#isPaused || this.#cause) return;
    this.#isPaused = isTooMuch;
    if (isTooMuch) this.#link.pause();
    else this.#link.resume();
  }

  #idleIfEmpty(): void {
    if (this.#tenants.size > 0 || this.#cause) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#close(), this.#isRetired ? 0 : this.#options.idleMs);
  }

  #close(): void {
    this.#isRetired = true;
    this.#link.write(goAwayFrame());
    this.#link.end();
  }

  #end(error: Error | undefined): void {
    if (this.#cause) return;
    const cause = error ?? Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' });
    this.#cause = cause;
    this.#pulse.end();
    clearTimeout(this.#idle);
    this.#writers.length = 0;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.onLost(cause);
    this.#resolveClosed();
  }
}
