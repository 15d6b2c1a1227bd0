import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../../src/engine/docker-config.ts';

export interface ServedEngine extends AsyncDisposable {
  readonly server: Server;
  readonly folder: string;
  /** Finds it by DOCKER_HOST, and a docker config of its own. */
  readonly env: Environment;
}

/** A unix socket on which the test itself answers as an engine would. */
export async function serveEngine(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  config: object = {},
): Promise<ServedEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
  const socket = join(folder, 'docker.sock');
  await mkdir(join(folder, 'config'));
  await writeFile(join(folder, 'config', 'config.json'), JSON.stringify(config));
  const server = createServer(answer);
  // The server itself loses sight of a connection that was upgraded.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    server,
    folder,
    env: {
      DOCKER_HOST: `unix://${socket}`,
      DOCKER_CONFIG: join(folder, 'config'),
      PATH: `${folder}:${process.env['PATH']}`,
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}
