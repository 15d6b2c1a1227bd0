import { once } from 'node:events';
import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server, type Socket } from 'node:net';

/** A way to a server that can be shut, as if the server were gone, and opened again at the same address. */
export class Door implements AsyncDisposable {
  readonly #at: ListenOptions;
  readonly #to: NetConnectOpts;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  private constructor(at: ListenOptions, to: NetConnectOpts) {
    this.#at = at;
    this.#to = to;
  }

  /** @param at a port of this machine or the path of a socket, open from now on. */
  static async open(at: ListenOptions, to: NetConnectOpts): Promise<Door> {
    const door = new Door(at, to);
    await door.reopen();
    return door;
  }

  /** Cuts every connection and refuses new ones. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(server, 'close');
  }

  /** From now on the connections that are open carry nothing and are not closed, as after a sleep; new ones are as ever. */
  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  async reopen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#join(client));
    server.listen(this.#at);
    await once(server, 'listening');
    this.#server = server;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shut();
  }

  #join(client: Socket): void {
    const server = connect({ ...this.#to, allowHalfOpen: true });
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
      from.pipe(to);
    }
  }
}
