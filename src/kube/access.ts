import http from 'node:http';
import https from 'node:https';
import { createSecureContext } from 'node:tls';
import { untilAborted } from '../lib/abort.ts';
import { backoff } from '../lib/wait.ts';

/** How the kubeconfig says to reach a server and to show who asks. */
export interface Access {
  /** Without a slash at its end. */
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Tls;
  /** What a person does to be accepted again. */
  readonly login: string;
  /** For a cluster with a `proxy-url`. */
  readonly proxy?: http.Agent | undefined;
}

interface Tls {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
  readonly servername?: string | undefined;
}

/** An access, and the connections that are made with it. */
export class OpenAccess {
  readonly access: Access;
  readonly url: URL;
  /** For short calls: connections are kept and used again. */
  readonly shared: http.Agent;
  /** For long streams and second tries: each has a connection of its own. */
  readonly single: http.Agent;

  constructor(access: Access) {
    this.access = access;
    this.url = new URL(access.server);
    const { Agent } = this.url.protocol === 'http:' ? http : https;
    const tls = { ...(this.url.protocol === 'http:' ? {} : contextOf(access.tls)), noDelay: true };
    // The API server drops a connection that idles for 90 s: let go of it first, so that no request meets its end.
    this.shared = access.proxy ?? new Agent({ ...tls, keepAlive: true, timeout: 60_000 });
    this.single = access.proxy ?? new Agent(tls);
  }

  /** Closes the connections that are kept for later. */
  dropIdle(): void {
    for (const sockets of Object.values(this.shared.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  /** Cuts every connection. */
  destroy(): void {
    this.shared.destroy();
    this.single.destroy();
  }
}

/** Of every connection: to read the certificates again for each costs more than its handshake. */
function contextOf({ ca, cert, key, ...tls }: Tls): https.AgentOptions {
  return { ...tls, secureContext: createSecureContext({ ca, cert, key }) };
}

/**
 * Computes the access once, however many ask (an exec plugin may open a browser), and again when the server refuses it: ever
 * less often, up to ten seconds, while that changes nothing.
 */
export class AccessCache implements Disposable {
  readonly #compute: () => Promise<Access>;
  readonly #opened: OpenAccess[] = [];
  #current: Promise<OpenAccess> | undefined;
  #failed: Promise<OpenAccess> | undefined;
  readonly #pauses = backoff(1000, 10_000);
  #refusals = 0;
  #restUntil = 0;
  #wasAccepted = false;

  constructor(compute: () => Promise<Access>) {
    this.#compute = compute;
  }

  /** Whether the server has accepted any. */
  get wasAccepted(): boolean {
    return this.#wasAccepted;
  }

  /** @throws what the computation throws. */
  get(signal: AbortSignal | undefined): Promise<OpenAccess> {
    if (this.#current === this.#failed && performance.now() >= this.#restUntil) this.#current = undefined;
    this.#current ??= this.#open();
    return untilAborted(this.#current, signal);
  }

  /**
   * @returns a newer access than `refused`: the current one where somebody else has renewed it already; undefined while it is
   * too early to compute one. @throws what the computation throws.
   */
  async renew(refused: OpenAccess, signal: AbortSignal | undefined): Promise<OpenAccess | undefined> {
    const before = this.#current;
    if ((await this.get(signal)) === refused && this.#current === before) {
      if (performance.now() < this.#restUntil) return undefined;
      this.#current = undefined;
    }
    return this.get(signal);
  }

  accepted(): void {
    this.#wasAccepted = true;
    this.#refusals = 0;
    this.#restUntil = 0;
    this.#pauses.reset();
  }

  /** What was computed anew is refused too, or can't be computed. */
  refused(): void {
    // The one that follows at once may be of a person who has just logged in.
    if (++this.#refusals > 1) this.#restUntil = performance.now() + this.#pauses.next();
  }

  dropIdle(): void {
    for (const opened of this.#opened) opened.dropIdle();
  }

  [Symbol.dispose](): void {
    for (const opened of this.#opened) opened.destroy();
  }

  #open(): Promise<OpenAccess> {
    const opening = this.#compute().then(
      (access) => {
        const opened = new OpenAccess(access);
        this.#opened.push(opened);
        return opened;
      },
      (error: unknown) => {
        this.refused();
        this.#failed = opening;
        throw error;
      },
    );
    // Each waiter gets the error; that all have been aborted meanwhile is no fault.
    opening.catch(() => {});
    return opening;
  }
}
