import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { Failure } from '../../../src/errors.ts';
import { readAll } from '../../../src/kube/transport.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { connectFake, gate } from './connect-fake.ts';
import { hears } from '../../support/hears.ts';

const path = '/api/v1/namespaces/storm/pods/web/portforward';
const pod = { namespace: 'storm', pod: 'web' };
const never = new AbortController().signal;
const mebibyte = 1024 * 1024;

/** A server that begins both channels as the kubelet does, and then plays. */
async function serve(play: (socket: WebSocket) => void): Promise<FakeApiServer> {
  const server = await FakeApiServer.listen();
  server.onUpgrade(path, ['v4.channel.k8s.io'], (socket) => {
    for (const channel of [0, 1]) socket.send(Buffer.of(channel, 0x40, 0x1f));
    play(socket);
  });
  return server;
}

function send(socket: WebSocket, channel: number, bytes: string | Buffer): Promise<void> {
  return new Promise((done) => {
    socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(bytes)]), () => done());
  });
}

async function write(stream: Duplex, bytes: Buffer): Promise<void> {
  if (!stream.write(bytes)) await once(stream, 'drain');
}

test('bytes go both ways, and the first message of each channel is none of them', async () => {
  await using server = await serve((socket) =>
    socket.on('message', (data: Buffer) => void send(socket, 0, `you said ${data.toString('utf8', 1)}`)),
  );
  await using kube = connectFake(server.port);
  const stream = await kube.connect(pod, 8000, never);
  stream.write('hello');
  await hears(stream, 'you said hello');
  assert.equal(server.requests.at(-1)?.query.get('ports'), '8000');
  stream.destroy();
});

test('a first message that holds data after the port is not lost', async () => {
  await using server = await FakeApiServer.listen();
  server.onUpgrade(path, ['v4.channel.k8s.io'], (socket) => {
    socket.send(Buffer.from([0, 0x40, 0x1f, ...Buffer.from('hi')]));
    socket.close(1000);
  });
  await using kube = connectFake(server.port);
  assert.equal((await readAll(await kube.connect(pod, 8000, never))).toString(), 'hi');
});

test('the error channel destroys the stream with the words of the kubelet, even when they come with the handshake', async () => {
  const said = 'error forwarding port 9999 to pod abc: dial tcp4 127.0.0.1:9999: connect: connection refused\n';
  await using server = await serve((socket) => {
    void send(socket, 1, said);
    socket.close(1000);
  });
  await using kube = connectFake(server.port);
  const stream = await kube.connect(pod, 9999, never);
  const [error] = (await once(stream, 'error')) as [Error];
  assert.ok(error instanceof Failure);
  assert.equal(error.message, 'nothing listens on port 9999 of pod web');
  assert.equal(error.where, 'pod/web in storm');
  assert.equal(error.detail, said.trim());
});

test('the remote end ends both sides', async () => {
  await using server = await serve((socket) => {
    void send(socket, 0, 'bye');
    socket.close(1000);
  });
  await using kube = connectFake(server.port);
  const stream = await kube.connect(pod, 8000, never);
  const closed = once(stream, 'close');
  assert.equal((await readAll(stream)).toString(), 'bye');
  await closed;
  assert.ok(stream.writableFinished);
});

test('after the local end the answer is read to its end', async () => {
  await using server = await serve((socket) =>
    socket.on('message', (data: Buffer) => {
      if (data.subarray(1).toString() !== 'ask') return;
      void (async () => {
        for (let i = 0; i < 20; i++) await send(socket, 0, Buffer.alloc(mebibyte, i));
        socket.close(1000);
      })();
    }),
  );
  await using kube = connectFake(server.port);
  const stream = await kube.connect(pod, 8000, never);
  stream.end('ask');
  await once(stream, 'finish');
  assert.equal((await readAll(stream)).length, 20 * mebibyte);
});

test('50 MB come and go whole through a network that breaks them up', async () => {
  const blocks = Array.from({ length: 50 }, () => randomBytes(mebibyte));
  const whole = createHash('sha256').update(Buffer.concat(blocks)).digest('hex');
  await using server = await serve((socket) => {
    let got = 0;
    // An echo: as much as has come goes back, in messages of the kubelet's size.
    socket.on('message', (data: Buffer) => {
      got += data.length - 1;
      for (let at = 1; at < data.length; at += 32_768) void send(socket, 0, data.subarray(at, at + 32_768));
      if (got === 50 * mebibyte) socket.close(1000);
    });
  });
  await using proxy = await TcpProxy.listen({ to: server.port });
  await using kube = connectFake(proxy.port);
  const stream = await kube.connect(pod, 8000, never);
  const writing = (async () => {
    for (const block of blocks) await write(stream, block);
  })();
  const hash = createHash('sha256');
  for await (const bytes of stream) hash.update(bytes as Buffer);
  await writing;
  assert.equal(hash.digest('hex'), whole);
});

test('a server that takes nothing holds the writer back', async () => {
  const stalled = gate<WebSocket>();
  let got = 0;
  await using server = await serve((socket) => {
    socket.pause();
    socket.on('message', (data: Buffer) => {
      got += data.length - 1;
      if (got === 50 * mebibyte) socket.close(1000);
    });
    stalled.open(socket);
  });
  await using kube = connectFake(server.port);
  const stream = await kube.connect(pod, 8000, never);
  const socket = await stalled.passed;
  let written = 0;
  const writing = (async () => {
    for (; written < 50; written++) await write(stream, Buffer.alloc(mebibyte));
  })();
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
  assert.ok(written < 30, `${written} MB were taken from the writer`);
  socket.resume();
  assert.equal((await readAll(stream)).length, 0);
  await writing;
  assert.equal(got, 50 * mebibyte);
});

test('a reader that is slow holds the server back, and gets all of it', async () => {
  let sent = 0;
  await using server = await serve((socket) => {
    void (async () => {
      for (; sent < 50; sent++) await send(socket, 0, Buffer.alloc(mebibyte));
      socket.close(1000);
    })();
  });
  await using kube = connectFake(server.port);
  const stream = await kube.connect(pod, 8000, never);
  for (let turn = 0; turn < 300; turn++) await new Promise(setImmediate);
  assert.ok(sent < 30, `${sent} MB were taken from the server`);
  assert.equal((await readAll(stream)).length, 50 * mebibyte);
});

test('a cut is an error and never a clean end', async () => {
  await using server = await serve((socket) => {
    void send(socket, 0, 'half').then(() => socket.terminate());
  });
  await using kube = connectFake(server.port);
  const stream = await kube.connect(pod, 8000, never);
  await assert.rejects(readAll(stream), { kind: 'unreachable', message: /closed the connection$/ });
});

test('a pod that is not there is the ApiError of its Status, and nothing else is thrown', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  await assert.rejects(kube.connect(pod, 8000, never), { name: 'ApiError', status: 404 });
});

test('an abort destroys the stream with AbortError', async () => {
  const closed = gate();
  await using server = await serve((socket) => socket.once('close', () => closed.open()));
  await using kube = connectFake(server.port);
  const abort = new AbortController();
  const stream = await kube.connect(pod, 8000, abort.signal);
  abort.abort();
  await assert.rejects(readAll(stream), { name: 'AbortError' });
  await closed.passed;
});

for (const [how, error] of [
  ['', undefined],
  [' with an error', new Error('nobody wants it')],
] as const)
  test(`destroying the stream${how} closes the connection`, { timeout: 120_000 }, async () => {
    const closed = gate();
    await using server = await serve((socket) => socket.once('close', () => closed.open()));
    await using kube = connectFake(server.port);
    const stream = await kube.connect(pod, 8000, never);
    const told = error && once(stream, 'error');
    stream.destroy(error);
    await closed.passed;
    assert.deepEqual(await told, error && [error]);
  });
