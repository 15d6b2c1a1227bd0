import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { isAbort } from '../../../src/errors.ts';
import { never } from '../../../src/lib/abort.ts';
import { askHttp } from '../../../src/lib/ask-http.ts';
import { Scope } from '../../../src/lib/scope.ts';

async function serve(scope: Scope, answer: (socket: Socket) => void): Promise<string> {
  const server = scope.own(createServer(), (each) => each.close());
  server.on('connection', (socket) => {
    scope.own(socket, (each) => each.destroy());
    socket.on('error', () => {});
    answer(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`;
}

describe('askHttp', () => {
  it('tells the status and the headers, and leaves no connection', async () => {
    await using scope = new Scope();
    const closed: Promise<unknown>[] = [];
    const url = await serve(scope, (socket) => {
      closed.push(once(socket, 'close'));
      socket.once('data', () =>
        socket.write('HTTP/1.1 401 Unauthorized\r\nX-Is: there\r\nContent-Length: 9\r\n\r\n{}'),
      );
    });
    const { status, headers } = await askHttp(url, { method: 'GET', ms: 60_000, signal: never });
    assert.deepEqual([status, headers['x-is']], [401, 'there']);
    await Promise.all(closed);
  });

  it('fails where the server closes the connection, whenever that is', { timeout: 60_000 }, async () => {
    const closers: ((socket: Socket) => void)[] = [
      (socket) => socket.destroy(),
      (socket) => socket.resetAndDestroy(),
      (socket) => setImmediate(() => socket.destroy()),
      (socket) => socket.once('data', () => socket.destroy()),
      (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConte')),
    ];
    for (const close of closers) {
      await using scope = new Scope();
      const url = await serve(scope, close);
      for (let round = 0; round < 50; round++)
        await assert.rejects(askHttp(url, { method: 'GET', ms: 2 ** 30, signal: never }));
    }
  });

  it('keeps this process alive until the server, another process, has closed the connection', async () => {
    const close = "c => c.on('error', () => {}).destroy()";
    const listen = `require('net').createServer(${close}).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`;
    const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [port] = (await once(child.stdout, 'data')) as [Buffer];
      // Nothing else is to hold it.
      child.unref();
      child.stdout.destroy();
      const url = `http://127.0.0.1:${port.toString().trim()}/v2/`;
      for (let round = 0; round < 50; round++)
        await assert.rejects(askHttp(url, { method: 'GET', ms: 2 ** 30, signal: never }));
    } finally {
      child.kill();
    }
  });

  it('ends when nobody answers in time, and at the abort', async () => {
    await using scope = new Scope();
    const url = await serve(scope, () => {});
    await assert.rejects(askHttp(url, { method: 'HEAD', ms: 20, signal: never }), (error) => isAbort(error));
    const controller = new AbortController();
    const asked = askHttp(url, { method: 'HEAD', ms: 2 ** 30, signal: controller.signal });
    controller.abort();
    await assert.rejects(asked, (error) => isAbort(error));
  });
});
