import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface TcpProxyOptions {
  /** A port on 127.0.0.1. */
  readonly to: number;
  /** With a seed, bytes go on in pieces of random size, each late by up to `jitterMs`: the same ones for the same seed. */
  readonly seed?: number;
  readonly jitterMs?: number;
}

/** A network that can be broken: between a client and a server that know nothing of it. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  /** How many connections it has taken. */
  connections = 0;
  /** How many bytes of the server's have gone through. */
  passed = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #random: (() => number) | undefined;
  readonly #options: TcpProxyOptions;
  /** Bytes that may go through before the cut. */
  readonly #left = { server: Number.POSITIVE_INFINITY, client: Number.POSITIVE_INFINITY };
  #flowing: Promise<void> = Promise.resolve();
  #flow: () => void = () => {};

  private constructor(server: Server, options: TcpProxyOptions) {
    this.#server = server;
    this.#options = options;
    this.#random = options.seed === undefined ? undefined : randomFrom(options.seed);
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#join(client));
  }

  static async listen(options: TcpProxyOptions): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, options);
  }

  /** Resets every connection there is. New ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  /** Cuts once one end has sent this many bytes more, and not before. */
  cutAfter(bytes: number, from: 'server' | 'client' = 'server'): void {
    this.#left[from] = bytes;
  }

  /** From now on no byte goes through, either way, and nobody is told: a laptop asleep, a dead NAT entry. */
  stall(): void {
    this.#flowing = new Promise((resolve) => {
      this.#flow = resolve;
    });
  }

  /** What was held back goes on. */
  resume(): void {
    this.#flow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    this.connections++;
    const server = connect({ port: this.#options.to, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      // A connection that is reset while bytes are under way ends its pump, as it should.
      this.#pump(from, to, from === server ? 'server' : 'client').catch(() => {});
    }
  }

  async #pump(from: Socket, to: Socket, end: 'server' | 'client'): Promise<void> {
    for await (const chunk of from) {
      for (const piece of this.#pieces(chunk as Buffer)) {
        await this.#flowing;
        if (this.#random && this.#options.jitterMs) await delay(this.#random() * this.#options.jitterMs);
        const passed = piece.subarray(0, this.#left[end]);
        this.#left[end] -= passed.length;
        if (end === 'server') this.passed += passed.length;
        await new Promise<void>((done) => {
          to.write(passed, () => done());
        });
        if (this.#left[end] === 0) {
          this.#left[end] = Number.POSITIVE_INFINITY;
          this.cut();
        }
      }
    }
    to.end();
  }

  *#pieces(chunk: Buffer): Generator<Buffer, void, void> {
    for (let start = 0; start < chunk.length; ) {
      const size = this.#random ? 1 + Math.floor(this.#random() * 2000) : chunk.length;
      yield chunk.subarray(start, start + size);
      start += size;
    }
  }
}

/** Ends a connection with a reset, where it can: a socket whose end is sent refuses one, and would never be freed. */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** A linear congruential generator: the same numbers everywhere for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
