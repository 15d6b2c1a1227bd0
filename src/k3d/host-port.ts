import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Engine } from '../engine/engine.ts';
import { Failure } from '../errors.ts';
import { hostOfEngine, isLoopback } from './nodes.ts';

/**
 * Finds out before anything is made what the engine would only say when it starts a container: that a program of this
 * machine listens on the port. An engine on another host can't be asked for that.
 *
 * @throws Failure `usage` when the port is taken.
 */
export async function refuseHostPort(engine: Engine, port: number, address: string): Promise<void> {
  if (!isLoopback(hostOfEngine(engine))) return;
  try {
    await listenFor(port, address);
  } catch (error) {
    // Whether we may open it says nothing of the engine: ports below 1024 are often for root, and the engine is.
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) return;
    throw new Failure('usage', `port ${port} is taken by a program of this machine`, {
      where: `${address}:${port}`,
      next: `give another port, or stop the program: \`lsof -i :${port}\` names it`,
      cause: error,
    });
  }
}

/** Not left to the engine, which would choose another one at every start of the node. */
export function freePort(): Promise<number> {
  return listenFor(0, '127.0.0.1');
}

/** Opens a port for a moment. @returns it: the system's choice for 0. */
async function listenFor(port: number, address: string): Promise<number> {
  const server = createServer().listen(port, address);
  await once(server, 'listening');
  const { port: opened } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return opened;
}
