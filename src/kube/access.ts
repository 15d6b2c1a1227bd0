import http from 'node:http';
import https from 'node:https';
import { untilAborted } from '../lib/abort.ts';

/** How the kubeconfig says to reach a server and to show who asks. */
export interface Access {
  /** Without a slash at its end. */
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Tls;
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
    const tls = { ...access.tls, noDelay: true };
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

/** Computes the access once, however many ask (an exec plugin may open a browser), and again when the server refuses it. */
export class AccessCache implements Disposable {
  readonly #compute: () => Promise<Access>;
  readonly #opened: OpenAccess[] = [];
  #current: Promise<OpenAccess> | undefined;

  constructor(compute: () => Promise<Access>) {
    this.#compute = compute;
  }

  /** @throws what the computation throws; the next call computes anew. */
  get(signal: AbortSignal | undefined): Promise<OpenAccess> {
    this.#current ??= this.#open();
    return untilAborted(this.#current, signal);
  }

  /** @returns a newer access than `refused`: the current one where somebody else has renewed it already. */
  async renew(refused: OpenAccess, signal: AbortSignal | undefined): Promise<OpenAccess> {
    const before = this.#current;
    if ((await this.get(signal)) === refused && this.#current === before) this.#current = undefined;
    return this.get(signal);
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
        if (this.#current === opening) this.#current = undefined;
        throw error;
      },
    );
    // Each waiter gets the error; that all have been aborted meanwhile is no fault.
    opening.catch(() => {});
    return opening;
  }
}
