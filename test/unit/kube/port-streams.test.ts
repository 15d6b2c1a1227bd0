import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { readAll } from '../../../src/kube/transport.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { type FakePortConnection, FakeSpdyPeer, type FakeSpdyOptions } from '../../support/fake-spdy.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { connectFake, connectSleepy, gate } from './connect-fake.ts';
import { hears } from '../../support/hears.ts';

const path = '/api/v1/namespaces/storm/pods/web/portforward';
const pod = { namespace: 'storm', pod: 'web' };
const mebibyte = 1024 * 1024;

type Way = 'direct' | 'tunnel';
type Serve = FakeSpdyOptions['serve'];

/** A server that speaks SPDY by these ways, and the sessions that were opened on it. */
async function listen(ways: readonly Way[], serve: Serve, options: Omit<FakeSpdyOptions, 'serve'> = {}) {
  const server = await FakeApiServer.listen();
  const peers: FakeSpdyPeer[] = [];
  server.onSpdy(path, ways, (carrier) => peers.push(new FakeSpdyPeer(carrier, { serve, ...options })));
  const asked = () => server.requests.map(({ method, headers }) => `${method} ${headers.upgrade}`);
  return { server, peers, asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const echo: Serve = (connection) => void connection.pipe(connection);

/** Ends both streams when the connection has ended, as the kubelet does. */
function overAtEnd(connection: FakePortConnection): void {
  connection.once('finish', () => connection.over());
}

async function write(stream: Duplex, bytes: Buffer): Promise<void> {
  if (!stream.write(bytes)) await once(stream, 'drain');
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turns(1);
}

for (const way of ['direct', 'tunnel'] as const)
  describe(`connections to ports over SPDY, ${way}`, { timeout: 120_000 }, () => {
    const ways: readonly Way[] = [way];

    it('share one session, and their bytes do not mix', async ({ signal }) => {
      setMaxListeners(0, signal);
      await using fake = await listen(ways, (connection) => {
        connection.write(`port ${connection.port}: `);
        echo(connection);
      });
      await using kube = connectFake(fake.server.port);
      const streams = await Promise.all(
        Array.from({ length: 40 }, (_, index) => kube.connect(pod, 8000 + index, signal)),
      );
      const answers = await Promise.all(
        streams.map((stream, index) => {
          stream.end(`I am ${index}`);
          return new Promise<string>((resolve) => {
            let got = '';
            stream.on('data', (bytes: Buffer) => {
              got += bytes.toString();
              if (got.endsWith(`I am ${index}`)) resolve(got);
            });
          });
        }),
      );
      assert.deepEqual(
        answers,
        streams.map((_, index) => `port ${8000 + index}: I am ${index}`),
      );
      assert.equal(fake.peers.length, 1);
      assert.equal(fake.peers[0]?.connections.length, 40);
    });

    it('open nothing before the first of them', async () => {
      await using fake = await listen(ways, echo);
      await using _kube = connectFake(fake.server.port);
      await turns(5);
      assert.deepEqual(fake.asked(), []);
    });

    it('pass the end of a client on at once when the pod has answered', async ({ signal }) => {
      const ended = gate();
      await using fake = await listen(ways, (connection) => {
        overAtEnd(connection);
        connection.write('welcome');
        connection.on('end', () => {
          ended.open();
          connection.end('goodbye');
        });
        connection.resume();
      });
      await using kube = connectFake(fake.server.port);
      const stream = await kube.connect(pod, 80, signal);
      await hears(stream, 'welcome');
      stream.end();
      await ended.passed;
      assert.equal(await text(stream), 'goodbye');
    });

    it('keep the end of a client back while an answer is due, and read that to its end', async ({ signal }) => {
      const ends: string[] = [];
      await using fake = await listen(ways, (connection) => {
        overAtEnd(connection);
        connection.on('end', () => ends.push('end'));
        connection.on('data', () => {
          for (let i = 0; i < 20; i++) connection.write(Buffer.alloc(mebibyte, i));
          connection.end();
        });
      });
      await using kube = connectFake(fake.server.port);
      const stream = await kube.connect(pod, 80, signal);
      stream.end('ask');
      assert.equal((await readAll(stream)).length, 20 * mebibyte);
      assert.deepEqual(ends, []);
    });

    it('pass the end of a client on when no answer comes', async ({ signal }) => {
      await using fake = await listen(ways, (connection) => {
        overAtEnd(connection);
        connection.resume().on('end', () => connection.end('that was all'));
      });
      await using kube = connectFake(fake.server.port, 'quick');
      const stream = await kube.connect(pod, 80, signal);
      stream.end('all of it');
      assert.equal(await text(stream), 'that was all');
    });

    it('keep the end of a client back until the pod has got what was sent, however late', async ({ signal }) => {
      let isGot = false;
      await using fake = await listen(
        ways,
        (connection) => {
          overAtEnd(connection);
          connection.resume().on('end', () => connection.end(isGot ? 'in time' : 'too early'));
        },
        // The one of the session, and of all but one of a server's five workers.
        { answersPings: () => isGot || (fake.peers[0]?.pings.length ?? 0) <= 5 },
      );
      await using kube = connectFake(fake.server.port, 'quick');
      const stream = await kube.connect(pod, 80, signal);
      stream.end(Buffer.alloc(mebibyte));
      setTimeout(() => {
        isGot = true;
        const [peer] = fake.peers;
        for (const id of peer?.pings.slice(5) ?? []) peer?.ping(id);
      }, 300);
      assert.equal(await text(stream), 'in time');
    });

    it('leave the way to the pod open when only the pod has ended', async ({ signal }) => {
      const rest = gate<string>();
      await using fake = await listen(ways, (connection) => {
        connection.end('I have said all');
        void text(connection).then(rest.open);
      });
      await using kube = connectFake(fake.server.port, 'quick');
      const stream = await kube.connect(pod, 80, signal);
      await hears(stream, 'I have said all');
      await once(stream, 'end');
      stream.end('and I this');
      assert.equal(await rest.passed, 'and I this');
    });

    it('close when the pod is over, and lose nothing that it said before', async ({ signal }) => {
      await using fake = await listen(ways, (connection) => {
        overAtEnd(connection);
        connection.end(Buffer.alloc(3 * mebibyte, 'x'));
      });
      await using kube = connectFake(fake.server.port);
      const stream = await kube.connect(pod, 80, signal);
      const closed = once(stream, 'close');
      assert.equal((await readAll(stream)).length, 3 * mebibyte);
      await closed;
      assert.ok(stream.writableFinished);
    });

    it('error with the words of the kubelet, which come after the end of the data', async ({ signal }) => {
      const refused = 'error forwarding port 99 to pod abc: dial tcp4 127.0.0.1:99: connect: connection refused';
      const reset = '{"closeConnection":false,"message":"read: connection reset by peer"}';
      await using fake = await listen(ways, (connection) => connection.fail(connection.port === 99 ? refused : reset));
      await using kube = connectFake(fake.server.port);
      const [error] = (await once(await kube.connect(pod, 99, signal), 'error')) as [Error];
      assert.ok(error instanceof Failure);
      assert.equal(error.message, 'nothing listens on port 99 of pod web');
      assert.equal(error.where, 'pod/web in storm');
      assert.equal(error.detail, refused);
      const [second] = (await once(await kube.connect(pod, 80, signal), 'error')) as [Failure];
      assert.equal(second.message, 'pod web reset the connection to port 80');
      assert.equal(second.detail, 'read: connection reset by peer');
      assert.equal(fake.peers.length, 1, 'the session was not kept');
    });

    it('error with the words of the kubelet also when they come before the end of the data', async ({ signal }) => {
      await using fake = await listen(ways, (connection) => connection.failAtOnce('connection refused'));
      await using kube = connectFake(fake.server.port);
      await assert.rejects(readAll(await kube.connect(pod, 99, signal)), { message: /^nothing listens on port 99/ });
    });

    it('take a session anew when the old one leads to a sandbox that is gone', async ({ signal }) => {
      const message = 'network namespace for sandbox "abc" is closed';
      await using fake = await listen(ways, (connection) => {
        if (connection.port === 1) connection.fail(message);
        else echo(connection);
      });
      await using kube = connectFake(fake.server.port);
      await once(await kube.connect(pod, 1, signal), 'error');
      const stream = await kube.connect(pod, 80, signal);
      stream.write('hello');
      await hears(stream, 'hello');
      assert.equal(fake.peers.length, 2);
      stream.destroy();
    });

    it('reset one side when the other is, and no other connection', async ({ signal }) => {
      const left = gate();
      await using fake = await listen(ways, (connection) => {
        connection.once('close', () => left.open());
        connection.on('data', (bytes: Buffer) => {
          if (bytes.toString() === 'reset me') connection.reset();
          else connection.write(bytes);
        });
      });
      await using kube = connectFake(fake.server.port);
      const [first, second, third] = await Promise.all([1, 2, 3].map((port) => kube.connect(pod, port, signal)));
      assert.ok(first && second && third);
      first.destroy();
      await left.passed;
      second.write('reset me');
      await assert.rejects(readAll(second), { kind: 'unreachable', message: /closed the connection$/ });
      third.write('still there');
      await hears(third, 'still there');
      third.destroy();
    });

    it('carry 50 MB each way whole, through a network that breaks them up', async ({ signal }) => {
      const blocks = Array.from({ length: 50 }, () => randomBytes(mebibyte));
      const whole = createHash('sha256').update(Buffer.concat(blocks)).digest('hex');
      await using fake = await listen(ways, (connection) => {
        overAtEnd(connection);
        echo(connection);
      });
      await using proxy = await TcpProxy.listen({ to: fake.server.port });
      await using kube = connectFake(proxy.port);
      const stream = await kube.connect(pod, 80, signal);
      const hash = createHash('sha256');
      let got = 0;
      stream.on('data', (bytes: Buffer) => {
        got += bytes.length;
        hash.update(bytes);
        if (got === 50 * mebibyte) stream.end();
      });
      for (const block of blocks) await write(stream, block);
      await once(stream, 'end');
      assert.equal(hash.digest('hex'), whole);
    });

    it('hold a pod back that sends more than is read', async ({ signal }) => {
      let sent = 0;
      await using fake = await listen(ways, (connection) => {
        overAtEnd(connection);
        void (async () => {
          for (; sent < 60; sent++) await write(connection, Buffer.alloc(mebibyte));
          connection.end();
        })();
      });
      await using kube = connectFake(fake.server.port);
      const stream = await kube.connect(pod, 80, signal);
      await turns(300);
      assert.ok(sent < 30, `${sent} MB were taken from the pod`);
      assert.equal((await readAll(stream)).length, 60 * mebibyte);
    });

    it('hold a client back that sends more than the pod reads, and lead the next one past it', async ({ signal }) => {
      const stuck = gate<FakePortConnection>();
      await using fake = await listen(ways, (connection) => {
        if (connection.port === 1) stuck.open(connection);
        else echo(connection);
      });
      await using kube = connectFake(fake.server.port);
      const stream = await kube.connect(pod, 1, signal);
      let written = 0;
      const writing = (async () => {
        for (; written < 50; written++) await write(stream, Buffer.alloc(mebibyte));
      })();
      await turns(200);
      assert.ok(written < 30, `${written} MB were taken from the client`);
      const other = await kube.connect(pod, 2, signal);
      other.write('hello');
      await hears(other, 'hello');
      assert.equal(fake.peers.length, 2);
      (await stuck.passed).resume();
      await writing;
      stream.destroy();
      other.destroy();
    });

    it('give others their bytes while one is not read', async ({ signal }) => {
      await using fake = await listen(ways, (connection) => {
        if (connection.port === 1) connection.write(Buffer.alloc(2 * mebibyte));
        else echo(connection);
      });
      await using kube = connectFake(fake.server.port);
      const [unread, other] = await Promise.all([1, 2].map((port) => kube.connect(pod, port, signal)));
      assert.ok(unread && other);
      await turns(100);
      other.write('hello');
      await hears(other, 'hello');
      assert.equal(fake.peers.length, 1);
    });

    it('all end with an error when the network is cut, at whatever byte', async ({ signal }) => {
      await using fake = await listen(ways, (connection) => {
        connection.write(Buffer.alloc(20_000, 'x'));
        echo(connection);
      });
      await using proxy = await TcpProxy.listen({ to: fake.server.port, seed: 5 });
      for (let bytes = 0; bytes < 60_000; bytes += 997) {
        await using kube = connectFake(proxy.port);
        const first = await kube.connect(pod, 1, signal);
        proxy.cutAfter(bytes + 1, bytes % 2 === 0 ? 'server' : 'client');
        const others = Promise.allSettled([2, 3].map((port) => kube.connect(pod, port, signal)));
        first.write(Buffer.alloc(100_000, 'y'));
        await assert.rejects(readAll(first), { kind: 'unreachable' });
        for (const other of await others) if (other.status === 'fulfilled') other.value.on('error', () => {}).destroy();
      }
    });

    it('notice a peer that has vanished', async ({ signal }) => {
      await using fake = await listen(ways, echo);
      await using proxy = await TcpProxy.listen({ to: fake.server.port });
      await using kube = connectFake(proxy.port, 'quick');
      const stream = await kube.connect(pod, 80, signal);
      proxy.stall();
      await assert.rejects(readAll(stream), { kind: 'unreachable', message: /does not answer$/ });
    });

    it('keep their session alive by pings while nothing is said', async ({ signal }) => {
      await using fake = await listen(ways, echo);
      await using kube = connectFake(fake.server.port, 'quick');
      const stream = await kube.connect(pod, 80, signal);
      const [peer] = fake.peers;
      assert.ok(peer);
      await until(() => peer.pings.length >= 5);
      peer.ping(2);
      await until(() => peer.pings.includes(2));
      stream.write('hello');
      await hears(stream, 'hello');
      stream.destroy();
    });

    it('let their session go when the last has ended and none comes', async ({ signal }) => {
      await using fake = await listen(ways, echo);
      await using kube = connectFake(fake.server.port, 'quick');
      const stream = await kube.connect(pod, 80, signal);
      const [peer] = fake.peers;
      assert.ok(peer);
      const closed = once(peer.carrier, 'close');
      stream.destroy();
      await closed;
      assert.ok(peer.hasGoneAway);
      const next = await kube.connect(pod, 80, signal);
      next.write('hello');
      await hears(next, 'hello');
      next.destroy();
    });

    it('go on when the server goes away, and the next one has another session', async ({ signal }) => {
      await using fake = await listen(ways, echo);
      await using kube = connectFake(fake.server.port);
      const first = await kube.connect(pod, 80, signal);
      fake.peers[0]?.goAway();
      first.write('one');
      await hears(first, 'one');
      const second = await kube.connect(pod, 80, signal);
      first.write('two');
      await hears(first, 'two');
      assert.equal(fake.peers.length, 2);
      first.destroy();
      second.destroy();
    });

    it('get another session when the one that is there ends before they began', async ({ signal }) => {
      await using fake = await listen(ways, echo);
      await using kube = connectFake(fake.server.port);
      const first = await kube.connect(pod, 80, signal);
      first.destroy();
      fake.peers[0]?.carrier.destroy();
      const second = await kube.connect(pod, 80, signal);
      second.write('hello');
      await hears(second, 'hello');
      second.destroy();
    });

    it('have another session when the machine has slept and the one that is there is dead', async ({ signal }) => {
      await using fake = await listen(ways, echo);
      const { kube, sleep } = connectSleepy(fake.server.port);
      await using _ = kube;
      const first = await kube.connect(pod, 80, signal);
      const [peer] = fake.peers;
      assert.ok(peer);
      peer.carrier.pause();
      sleep();
      // A ping comes, and has no answer.
      await until(() => peer.carrier.readableLength > 0);
      const second = await kube.connect(pod, 80, signal);
      second.write('hello');
      await hears(second, 'hello');
      assert.equal(fake.peers.length, 2);
      first.destroy();
      second.destroy();
    });

    it('have a session of their own when the pod is another of the same name', async ({ signal }) => {
      await using fake = await listen(ways, echo);
      await using kube = connectFake(fake.server.port);
      for (const uid of ['one', 'two', 'two']) (await kube.connect({ ...pod, uid }, 80, signal)).destroy();
      assert.equal(fake.peers.length, 2);
    });

    it('share a session no more with one that ended while nobody had read what it sent', async ({ signal }) => {
      await using fake = await listen(ways, () => {});
      await using kube = connectFake(fake.server.port);
      const left = await kube.connect(pod, 80, signal);
      await new Promise((written) => left.write('nobody reads this', written));
      left.destroy();
      (await kube.connect(pod, 80, signal)).destroy();
      assert.equal(fake.peers.length, 2);
    });

    it('end with a cause when the server sends what is not SPDY', async ({ signal }) => {
      await using fake = await listen(ways, (connection) => {
        const peer = fake.peers.at(-1);
        if (connection.port === 1) peer?.carrier.write('HTTP/1.1 502 Bad Gateway\r\n\r\n');
        else peer?.send(2, 0, Buffer.from([0, 0, 0, 99]));
      });
      await using kube = connectFake(fake.server.port);
      for (const port of [1, 2])
        await assert.rejects(readAll(await kube.connect(pod, port, signal)), {
          kind: 'unreachable',
          message: /not SPDY: a frame of stream \d+, which was never opened/,
        });
    });

    it('are aborted with their signal, before and after they are there', async ({ signal }) => {
      const left = gate();
      await using fake = await listen(ways, (connection) => void connection.once('close', () => left.open()));
      await using kube = connectFake(fake.server.port);
      await assert.rejects(kube.connect(pod, 80, AbortSignal.abort()), { name: 'AbortError' });
      const abort = new AbortController();
      const stream = await kube.connect(pod, 80, abort.signal);
      const other = await kube.connect(pod, 80, signal);
      abort.abort();
      await assert.rejects(readAll(stream), { name: 'AbortError' });
      await left.passed;
      assert.ok(!other.destroyed);
      other.destroy();
    });

    it('end with the client of the cluster', async ({ signal }) => {
      await using fake = await listen(ways, echo);
      const kube = connectFake(fake.server.port);
      const stream = await kube.connect(pod, 80, signal);
      const [peer] = fake.peers;
      assert.ok(peer);
      const closed = once(peer.carrier, 'close');
      stream.on('error', () => {});
      await kube[Symbol.asyncDispose]();
      await closed;
      assert.ok(stream.destroyed);
    });
  });

describe('the way to the ports of pods', { timeout: 120_000 }, () => {
  /** Serves WebSockets of version 4, and echoes. */
  function serveWebSockets(server: FakeApiServer): void {
    server.onUpgrade(path, ['v4.channel.k8s.io'], (socket) => {
      for (const channel of [0, 1]) socket.send(Buffer.of(channel, 0, 80));
      socket.on('message', (bytes: Buffer) => socket.send(bytes));
    });
  }

  async function tryOut(kube: ReturnType<typeof connectFake>, signal: AbortSignal): Promise<void> {
    const stream = await kube.connect(pod, 80, signal);
    stream.write('hello');
    await hears(stream, 'hello');
    stream.destroy();
  }

  it('is an upgrade to SPDY where that is let through', async ({ signal }) => {
    await using fake = await listen(['direct', 'tunnel'], echo);
    serveWebSockets(fake.server);
    await using kube = connectFake(fake.server.port);
    await tryOut(kube, signal);
    assert.deepEqual(fake.asked(), ['POST SPDY/3.1']);
  });

  it('is a tunnel where the upgrade is refused, which is remembered', async ({ signal }) => {
    await using fake = await listen(['tunnel'], echo);
    serveWebSockets(fake.server);
    await using kube = connectFake(fake.server.port);
    for (const uid of ['one', 'two']) (await kube.connect({ ...pod, uid }, 80, signal)).destroy();
    await tryOut(kube, signal);
    assert.deepEqual(fake.asked(), ['POST SPDY/3.1', 'GET websocket', 'GET websocket', 'GET websocket']);
  });

  it('is a WebSocket a connection where both are refused, which is remembered', async ({ signal }) => {
    await using server = await FakeApiServer.listen();
    serveWebSockets(server);
    await using kube = connectFake(server.port);
    for (let turn = 0; turn < 3; turn++) await tryOut(kube, signal);
    assert.deepEqual(
      server.requests.map(({ method }) => method),
      ['POST', 'GET', 'GET', 'GET', 'GET'],
    );
  });

  it('is looked for anew after a while', async ({ signal }) => {
    await using fake = await listen([], echo);
    serveWebSockets(fake.server);
    await using kube = connectFake(fake.server.port, 'quick');
    await tryOut(kube, signal);
    fake.server.onSpdy(path, ['direct'], (carrier) => fake.peers.push(new FakeSpdyPeer(carrier, { serve: echo })));
    while (fake.peers.length === 0) await tryOut(kube, signal);
  });

  it('is another one where the upgrade is answered and then cut, or garbled', async ({ signal }) => {
    await using fake = await listen(['tunnel'], echo);
    const spoil = ['cut', 'garble'];
    for (const how of spoil) {
      fake.server.onSpdy(path, ['direct', 'tunnel'], (carrier) => {
        if (fake.asked().at(-1) !== 'POST SPDY/3.1') fake.peers.push(new FakeSpdyPeer(carrier, { serve: echo }));
        else if (how === 'cut') carrier.destroy();
        else carrier.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
      await using kube = connectFake(fake.server.port);
      await tryOut(kube, signal);
    }
    assert.equal(fake.peers.length, spoil.length);
  });

  it('stays the best where it was only cut while it was dialled', async ({ signal }) => {
    let left = 0;
    let cuts = 0;
    await using fake = await listen([], echo);
    serveWebSockets(fake.server);
    fake.server.onSpdy(path, ['direct', 'tunnel'], (carrier) => {
      if (left-- > 0) {
        cuts++;
        carrier.destroy();
      } else fake.peers.push(new FakeSpdyPeer(carrier, { serve: echo }));
    });
    await using kube = connectFake(fake.server.port);
    for (left of [1, 2]) {
      const asked = fake.asked().length + left + 2;
      (await kube.connect({ ...pod, uid: `cut ${left}` }, 80, signal)).destroy();
      // The better way is tried again as soon as another one has served.
      await until(() => fake.asked().length === asked);
      await until(() => fake.peers.at(-1)?.pings.length === 1);
      await turns(5);
    }
    assert.equal(cuts, 3);
    (await kube.connect({ ...pod, uid: 'another' }, 80, signal)).destroy();
    assert.equal(fake.asked().at(-1), 'POST SPDY/3.1');
  });

  it('stays the best where the server could not answer for a moment', async ({ signal }) => {
    await using fake = await listen(['direct', 'tunnel'], echo);
    fake.server.on('POST', path, (exchange) => {
      fake.server.off('POST', path);
      exchange.status(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
    });
    await using kube = connectFake(fake.server.port);
    await tryOut(kube, signal);
    await until(() => fake.peers.length === 2);
    for (const uid of ['one', 'two']) (await kube.connect({ ...pod, uid }, 80, signal)).destroy();
    assert.deepEqual(fake.asked().slice(-2), ['POST SPDY/3.1', 'POST SPDY/3.1']);
  });

  it('is asked for once when the pod is not there', async ({ signal }) => {
    await using fake = await listen(['direct', 'tunnel'], echo);
    fake.server.on('POST', path, (exchange) => {
      const details = { name: 'web', kind: 'pods' };
      const body = { kind: 'Status', code: 404, reason: 'NotFound', message: 'pods "web" not found', details };
      exchange.raw(JSON.stringify(body), { status: 404, type: 'application/json' });
    });
    await using kube = connectFake(fake.server.port);
    await assert.rejects(kube.connect(pod, 80, signal), { name: 'ApiError', status: 404 });
    assert.deepEqual(fake.asked(), ['POST SPDY/3.1']);
  });

  it('that is forbidden in every form is the ApiError of the first', async ({ signal }) => {
    await using fake = await listen(['direct', 'tunnel'], echo);
    for (const method of ['POST', 'GET'])
      fake.server.on(method, path, (exchange) =>
        exchange.status(403, 'Forbidden', `cannot ${method} pods/portforward`),
      );
    await using kube = connectFake(fake.server.port);
    await assert.rejects(kube.connect(pod, 80, signal), { status: 403, message: 'cannot POST pods/portforward' });
    assert.equal(fake.asked().length, 3);
    fake.server.off('POST', path);
    await tryOut(kube, signal);
  });

  it('that fails for a reason of its own after the others were refused tells that reason', async ({ signal }) => {
    await using fake = await listen([], echo);
    for (const method of ['POST', 'GET'])
      fake.server.on(method, path, (exchange) => {
        const isLast = fake.asked().length === 3;
        if (isLast) exchange.status(503, 'ServiceUnavailable', 'the server is starting');
        else exchange.raw('<h1>no upgrades here</h1>', { status: 400, type: 'text/html' });
      });
    await using kube = connectFake(fake.server.port);
    await assert.rejects(kube.connect(pod, 80, signal), { status: 503, message: 'the server is starting' });
  });
});
