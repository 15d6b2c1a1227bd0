import type { Duplex } from 'node:stream';
import { Failure } from '../errors.ts';
import { untilAborted } from '../lib/abort.ts';
import { podPath } from './api-path.ts';
import type { HeartbeatTiming } from './heartbeat.ts';
import { ApiError, type PodIdentity } from './kube.ts';
import { SpdyPortStream } from './port-stream-spdy.ts';
import { connectByWebSocket } from './port-stream-websocket.ts';
import { SpdySession } from './spdy-session.ts';
import type { Transport } from './transport.ts';
import { openDirect, openTunnel } from './upgrade.ts';

export interface PortTiming {
  /** How long a pod's session is kept after its last connection. */
  readonly idleMs: number;
  /** How long a pod may be silent before it is told that the client's side has ended. */
  readonly holdEndMs: number;
  /** How long a way that was refused is not tried again. */
  readonly refusedMs: number;
}

interface Timing {
  readonly heartbeat: HeartbeatTiming;
  readonly ports: PortTiming;
}

/** The best first: sessions of SPDY streams, and a WebSocket a connection where neither is let through. */
const ways = ['direct', 'tunnel', 'websocket'] as const;
type Way = (typeof ways)[number];

/**
 * Connections to ports of pods. A pod's connections share a session, which is opened when the first of them is asked for
 * and closed some time after the last has ended. The way that a cluster lets through is found once, and looked for anew
 * when a session is opened long after that. A better way is given up for one that only failed, as when the API server
 * restarts, when it fails again after the other one has served.
 */
export class PortStreams {
  readonly #transport: Transport;
  readonly #timing: Timing;
  readonly #sessions = new Map<string, Set<SpdySession>>();
  readonly #dialling = new Map<string, Promise<SpdySession>>();
  readonly #closing = new AbortController();
  #way: Way = 'direct';
  #foundAt = 0;
  #isChecking = false;

  constructor(transport: Transport, timing: Timing) {
    this.#transport = transport;
    this.#timing = timing;
    transport.onWake(() => {
      for (const sessions of this.#sessions.values()) for (const session of sessions) session.doubt();
    });
  }

  /** @see Kube.connect */
  async connect(pod: PodIdentity, port: number, signal: AbortSignal): Promise<Duplex> {
    for (;;) {
      if (this.#firstWay() === 'websocket') return this.#connectAlone(pod, port, signal);
      const there = this.#choose(keyOf(pod));
      let session: SpdySession;
      try {
        session = there ?? (await untilAborted(this.#dial(pod), signal));
      } catch (error) {
        if (signal.aborted || !(error instanceof NoSession)) throw error;
        return this.#connectAtLast(pod, port, signal, error);
      }
      const stream = this.#enter(session, pod, port, signal);
      try {
        await stream.taken;
        return stream;
      } catch (error) {
        stream.destroy();
        // A session that was there already may have died unnoticed: the connection has not begun, so it gets a new one.
        if (signal.aborted || session !== there || session.cause === undefined) throw error;
      }
    }
  }

  /** Cuts every connection. */
  destroy(): void {
    this.#closing.abort();
  }

  #enter(session: SpdySession, pod: PodIdentity, port: number, signal: AbortSignal): SpdyPortStream {
    const doing = `the connection to port ${port} of ${pod.pod}`;
    const stream = new SpdyPortStream({
      session,
      pod,
      port,
      holdEndMs: this.#timing.ports.holdEndMs,
      explain: (cause) => this.#transport.explain(cause, signal, doing),
    });
    const abort = () => stream.destroy(this.#transport.explain(signal.reason, signal, doing));
    signal.addEventListener('abort', abort, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
    // What it says may be that the pod's sandbox is another now: then this session leads nowhere.
    stream.on('error', (error) => {
      if (error instanceof Failure && isSandboxGone(error)) session.retire();
    });
    return stream;
  }

  #choose(key: string): SpdySession | undefined {
    for (const session of this.#sessions.get(key) ?? []) if (session.isOpen && !session.isHeldUp) return session;
    return undefined;
  }

  /** One dial a pod at a time; it does not end with one of those who wait for it. */
  #dial(pod: PodIdentity): Promise<SpdySession> {
    const key = keyOf(pod);
    const running = this.#dialling.get(key);
    if (running) return running;
    const dialling = this.#open(pod).finally(() => this.#dialling.delete(key));
    dialling.catch(() => {});
    this.#dialling.set(key, dialling);
    return dialling;
  }

  /** @throws NoSession when none of the ways that have sessions is let through. */
  async #open(pod: PodIdentity): Promise<SpdySession> {
    const troubles: WayTrouble[] = [];
    for (const way of ways.slice(ways.indexOf(this.#firstWay()), -1)) {
      try {
        const session = await this.#openBy(way, pod);
        this.#learn(way, troubles, pod);
        return session;
      } catch (error) {
        const kind = troubleOf(error);
        if (!kind) throw error;
        troubles.push({ way, kind, error });
      }
    }
    throw new NoSession(troubles);
  }

  async #openBy(way: Way, pod: PodIdentity): Promise<SpdySession> {
    const { signal } = this.#closing;
    const doing = `the port forwarding to ${pod.pod}`;
    const openLink = way === 'direct' ? openDirect : openTunnel;
    const link = await openLink(this.#transport, podPath(pod, 'portforward'), doing, signal);
    const { heartbeat, ports } = this.#timing;
    const session = new SpdySession(link, { heartbeat, idleMs: ports.idleMs, signal });
    try {
      await session.answered();
    } catch (error) {
      throw this.#transport.explain(error, signal, doing);
    }
    this.#keep(keyOf(pod), session);
    return session;
  }

  #keep(key: string, session: SpdySession): void {
    const sessions = this.#sessions.get(key) ?? new Set();
    this.#sessions.set(key, sessions.add(session));
    void session.closed.then(() => {
      sessions.delete(session);
      if (sessions.size === 0 && this.#sessions.get(key) === sessions) this.#sessions.delete(key);
    });
  }

  #connectAlone(pod: PodIdentity, port: number, signal: AbortSignal): Promise<Duplex> {
    return connectByWebSocket(this.#transport, pod, port, { signal, heartbeat: this.#timing.heartbeat });
  }

  /** If this way is refused too, the reason is not the protocol; if it fails in its own way, that is the reason. */
  async #connectAtLast(pod: PodIdentity, port: number, signal: AbortSignal, no: NoSession): Promise<Duplex> {
    try {
      const stream = await this.#connectAlone(pod, port, signal);
      this.#learn('websocket', no.troubles, pod);
      return stream;
    } catch (error) {
      if (signal.aborted || troubleOf(error) !== 'refused') throw error;
      throw no.troubles.find(({ kind }) => kind === 'refused')?.error ?? error;
    }
  }

  /** A way was let through after the better ones had their troubles. */
  #learn(way: Way, troubles: readonly WayTrouble[], pod: PodIdentity): void {
    const failed = troubles.find(({ kind }) => kind === 'failed');
    if (!failed) {
      if (troubles.length > 0) this.#found(way);
      return;
    }
    if (!this.#isChecking) void this.#checkAgain(failed.way, way, pod);
  }

  /** Whether a way that failed fails again, now that another one has served. */
  async #checkAgain(failed: Way, other: Way, pod: PodIdentity): Promise<void> {
    this.#isChecking = true;
    try {
      await this.#openBy(failed, pod);
    } catch (error) {
      if (troubleOf(error)) this.#found(other);
    } finally {
      this.#isChecking = false;
    }
  }

  #found(way: Way): void {
    this.#way = way;
    this.#foundAt = performance.now();
  }

  #firstWay(): Way {
    const isOld = performance.now() - this.#foundAt >= this.#timing.ports.refusedMs;
    return isOld ? 'direct' : this.#way;
  }
}

function keyOf({ namespace, pod, uid = '' }: PodIdentity): string {
  return `${namespace}/${pod}/${uid}`;
}

/** Why a way was not taken: it was refused in so many words, or it failed, for whatever reason. */
interface WayTrouble {
  readonly way: Way;
  readonly kind: 'refused' | 'failed';
  readonly error: unknown;
}

class NoSession extends Error {
  readonly troubles: readonly WayTrouble[];

  constructor(troubles: readonly WayTrouble[]) {
    super('no session can be opened');
    this.troubles = troubles;
  }
}

/** @returns undefined when it was not the way that failed, but the pod, the user or the whole server. */
function troubleOf(error: unknown): WayTrouble['kind'] | undefined {
  if (error instanceof ApiError) {
    const { status, details } = error;
    if (status === 404 && details?.kind === 'pods') return undefined;
    return status === 429 || (status >= 500 && status !== 501 && status !== 505) ? 'failed' : 'refused';
  }
  const cause = error instanceof Failure ? (error.cause as { code?: string; message?: string } | undefined) : undefined;
  const { code = '', message = '' } = cause ?? {};
  if (message.includes('subprotocol')) return 'refused';
  return /^(ECONNRESET|EPIPE|HPE_\w+|ERR_UPGRADE_TIMEOUT|ERR_NOT_SPDY)$/.test(code) ? 'failed' : undefined;
}

function isSandboxGone({ message, detail = '' }: Failure): boolean {
  return message.endsWith("can't be reached") && /namespace|sandbox|not found/.test(detail);
}
