import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Resets every connection that is open; new ones are served as before. @returns how many there were. */
  cut(): number;
}

/** A TCP proxy on 127.0.0.1 to `host:port`. */
export async function openCuttingProxy(host: string, port: number): Promise<CuttingProxy> {
  const open = new Set<Socket>();
  const join = (a: Socket, b: Socket) => {
    a.pipe(b);
    a.on('error', () => {});
    a.once('close', () => {
      open.delete(a);
      b.destroy();
    });
    open.add(a);
  };
  const server = createServer((client) => {
    const upstream = connect({ host, port });
    join(client, upstream);
    join(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    const count = open.size / 2;
    for (const socket of open) socket.resetAndDestroy();
    return count;
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
