import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { Failure } from '../../../src/errors.ts';
import { readAll } from '../../../src/kube/transport.ts';
import { FakeApiServer, type Received } from '../../support/fake-api-server.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { connectFake, gate } from './connect-fake.ts';

const path = '/api/v1/namespaces/storm/pods/web/exec';
const request = {
  namespace: 'storm',
  pod: 'web',
  container: 'main',
  command: ['sh', '-c', 'a b'],
  stdin: true,
} as const;
const v5 = 'v5.channel.k8s.io';
const v4 = 'v4.channel.k8s.io';

/** A server whose exec is played by `play`. */
async function serve(play: (socket: WebSocket, received: Received) => void, protocols: readonly string[] = [v5, v4]) {
  const server = await FakeApiServer.listen();
  server.onUpgrade(path, protocols, play);
  return server;
}

function send(socket: WebSocket, channel: number, text: string | Buffer): void {
  socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
}

function end(socket: WebSocket, status: object): void {
  send(socket, 3, JSON.stringify({ metadata: {}, ...status }));
  socket.close(1000);
}

const never = new AbortController().signal;

test('output that comes with the handshake, errors and success', async () => {
  await using server = await serve((socket) => {
    send(socket, 1, '');
    send(socket, 1, 'hi\n');
    send(socket, 2, 'oops\n');
    end(socket, { status: 'Success' });
  });
  await using kube = connectFake(server.port);
  await using session = await kube.exec(request, never);
  assert.equal((await readAll(session.stdout)).toString(), 'hi\n');
  assert.equal((await readAll(session.stderr)).toString(), 'oops\n');
  assert.deepEqual(await session.ended, { exitCode: 0, message: undefined });
  const [received] = server.requests;
  assert.deepEqual(received?.query.getAll('command'), ['sh', '-c', 'a b']);
  assert.equal(received?.query.get('container'), 'main');
  assert.equal(received?.query.get('stdin'), 'true');
});

test('a process that fails has its exit code', async () => {
  await using server = await serve((socket) =>
    end(socket, {
      status: 'Failure',
      reason: 'NonZeroExitCode',
      message: 'command terminated with exit code 3',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    }),
  );
  await using kube = connectFake(server.port);
  await using session = await kube.exec(request, never);
  assert.deepEqual(await session.ended, { exitCode: 3, message: 'command terminated with exit code 3' });
});

test('a process that could not be started has no exit code, but the reason', async () => {
  const message = 'exec: "nosuch": executable file not found in $PATH';
  await using server = await serve((socket) =>
    end(socket, { status: 'Failure', reason: 'InternalError', code: 500, message, details: { causes: [{ message }] } }),
  );
  await using kube = connectFake(server.port);
  await using session = await kube.exec(request, never);
  assert.deepEqual(await session.ended, { exitCode: undefined, message });
});

test('an exec that is refused is the ApiError of its Status, and leaves no connection', async () => {
  await using server = await serve(() => {});
  await using kube = connectFake(server.port);
  const left = gate();
  server.on('GET', path, async (exchange) => {
    exchange.status(404, 'NotFound', 'pods "web" not found');
    await exchange.left();
    left.open();
  });
  await assert.rejects(kube.exec(request, never), { name: 'ApiError', status: 404, message: 'pods "web" not found' });
  await left.passed;
});

test('a cut before the status rejects the end and both outputs, after what they had', async () => {
  await using server = await serve((socket) => {
    send(socket, 1, 'half');
    socket.once('message', () => socket.terminate());
  });
  await using kube = connectFake(server.port);
  await using session = await kube.exec(request, never);
  const output = session.stdout[Symbol.asyncIterator]();
  assert.equal((await output.next()).value?.toString(), 'half');
  await session.write(Buffer.from('x'));
  const cut = (error: unknown) => error instanceof Failure && error.message.endsWith('closed the connection');
  await assert.rejects(session.ended, cut);
  await assert.rejects(Promise.resolve(output.next()), cut);
  await assert.rejects(readAll(session.stderr), cut);
  await assert.rejects(session.write(Buffer.from('y')), cut);
});

test('a cut that nobody listens to is no unhandled rejection', async () => {
  await using server = await serve((socket) => socket.terminate());
  await using kube = connectFake(server.port);
  const session = await kube.exec(request, never);
  await session[Symbol.asyncDispose]();
});

test('input goes out in order, in messages of at most a megabyte, and its end is told on v5', async () => {
  const got: Buffer[] = [];
  const largest = { size: 0 };
  await using server = await serve((socket) => {
    socket.on('message', (data: Buffer) => {
      largest.size = Math.max(largest.size, data.length);
      if (data[0] === 255) end(socket, { status: 'Success', channel: data[1] });
      else got.push(data.subarray(1));
    });
  });
  await using kube = connectFake(server.port);
  await using session = await kube.exec(request, never);
  const first = Buffer.alloc(3_500_000, 'a');
  const second = Buffer.alloc(100, 'b');
  await Promise.all([session.write(first), session.write(second), session.endInput()]);
  assert.equal((await session.ended).exitCode, 0);
  assert.ok(Buffer.concat(got).equals(Buffer.concat([first, second])));
  assert.equal(largest.size, 1024 * 1024 + 1);
  await assert.rejects(session.write(second), { kind: 'unreachable', message: /has ended$/ });
});

test('on v4 the end of the input ends the session', async () => {
  const closed = gate<number>();
  await using server = await serve((socket) => socket.once('close', closed.open), [v4]);
  await using kube = connectFake(server.port);
  await using session = await kube.exec(request, never);
  await session.endInput();
  await closed.passed;
  await assert.rejects(session.ended, { kind: 'unreachable' });
});

test('a server that takes nothing holds the writer back, and gets all of it later', async () => {
  const stalled = gate<WebSocket>();
  let got = 0;
  await using server = await serve((socket) => {
    socket.pause();
    socket.on('message', (data: Buffer) => {
      got += data.length - 1;
      if (got === 64 * 1024 * 1024) end(socket, { status: 'Success' });
    });
    stalled.open(socket);
  });
  await using kube = connectFake(server.port);
  await using session = await kube.exec(request, never);
  const socket = await stalled.passed;
  const block = Buffer.alloc(1024 * 1024, 'x');
  let written = 0;
  const writing = (async () => {
    for (; written < 64; written++) await session.write(block);
  })();
  // A turn of the loop for every block: far more than it takes to hand on what there is room for.
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
  assert.ok(written < 40, `${written} MB were taken from the writer`);
  socket.resume();
  await writing;
  assert.equal((await session.ended).exitCode, 0);
});

test('output that nobody reads holds the server back, and comes whole', async () => {
  const blocks = 64;
  let sent = 0;
  await using server = await serve((socket) => {
    void (async () => {
      const block = Buffer.alloc(1024 * 1024 + 1, 1);
      for (; sent < blocks; sent++)
        await new Promise<void>((done) => {
          socket.send(block, () => done());
        });
      end(socket, { status: 'Success' });
    })();
  });
  await using kube = connectFake(server.port);
  await using session = await kube.exec(request, never);
  for (let turn = 0; turn < 300; turn++) await new Promise(setImmediate);
  assert.ok(sent < 40, `${sent} MB were taken from the server`);
  let got = 0;
  for await (const bytes of session.stdout) got += bytes.length;
  assert.equal(got, blocks * 1024 * 1024);
});

test('output whose reader has left is dropped, and holds nothing back', async () => {
  await using server = await serve((socket) => {
    for (let i = 0; i < 8; i++) send(socket, 1, Buffer.alloc(1024 * 1024));
    end(socket, { status: 'Success' });
  });
  await using kube = connectFake(server.port);
  await using session = await kube.exec(request, never);
  for await (const bytes of session.stdout) if (bytes.length > 0) break;
  assert.equal((await session.ended).exitCode, 0);
});

test('an abort rejects everything with AbortError and closes the connection', async () => {
  const closed = gate();
  await using server = await serve((socket) => socket.once('close', () => closed.open()));
  await using kube = connectFake(server.port);
  const abort = new AbortController();
  const session = await kube.exec(request, abort.signal);
  abort.abort();
  await assert.rejects(session.ended, { name: 'AbortError' });
  await assert.rejects(readAll(session.stdout), { name: 'AbortError' });
  await assert.rejects(session.write(Buffer.from('x')), { name: 'AbortError' });
  await closed.passed;
});

test('an abort during the handshake is an AbortError', async () => {
  await using server = await serve(() => {});
  await using kube = connectFake(server.port);
  const abort = new AbortController();
  server.on('GET', path, () => abort.abort());
  await assert.rejects(kube.exec(request, abort.signal), { name: 'AbortError' });
});

test('a peer that vanished is found out by a ping', async () => {
  await using server = await serve((socket) => send(socket, 1, 'up'));
  await using proxy = await TcpProxy.listen({ to: server.port });
  await using kube = connectFake(proxy.port, 'quick');
  await using session = await kube.exec(request, never);
  assert.equal((await session.stdout[Symbol.asyncIterator]().next()).value?.toString(), 'up');
  proxy.stall();
  await assert.rejects(session.ended, { kind: 'unreachable', message: /does not answer$/ });
});

test('a peer that answers pings stays, and one whose reader is slow is not taken for dead', async () => {
  const resumed = gate();
  await using server = await serve((socket) => {
    let pings = 0;
    socket.on('ping', () => {
      pings++;
      if (pings === 3) send(socket, 1, Buffer.alloc(2 * 1024 * 1024));
      if (pings === 3) void resumed.passed.then(() => end(socket, { status: 'Success' }));
    });
  });
  await using kube = connectFake(server.port, 'quick');
  await using session = await kube.exec(request, never);
  await using other = await kube.exec(request, never);
  // Longer than the limit of a ping: the first one's output fills up, and nobody reads it.
  await assert.rejects(Promise.race([session.ended, timeLimit(500)]), { message: 'time' });
  resumed.open();
  const sizes = await Promise.all([session, other].map(async ({ stdout }) => (await readAll(stdout)).length));
  assert.deepEqual(sizes, [2 * 1024 * 1024, 2 * 1024 * 1024]);
});

async function timeLimit(ms: number): Promise<never> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
  throw new Error('time');
}
