import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { readAll } from '../../../src/kube/transport.ts';
import { connectFake, connectSleepy, gate } from './connect-fake.ts';

const path = '/api/v1/namespaces/storm/pods/web/log';
const web = { namespace: 'storm', pod: 'web', container: 'main' };
const never = new AbortController().signal;

test('the bytes come as they are, and what was asked is in the query', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', path, (exchange) => exchange.raw('one\n\u{1F300}\nthree'));
  const log = kube.logs({ ...web, timestamps: true, tailLines: 0, sinceTime: '2026-01-01T00:00:00Z' }, never);
  assert.equal((await readAll(log)).toString(), 'one\n\u{1F300}\nthree');
  assert.equal(
    server.requests[0]?.query.toString(),
    'container=main&timestamps=true&tailLines=0&sinceTime=2026-01-01T00%3A00%3A00Z',
  );
});

test('a reset inside a line is an error, after the bytes before it', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', path, async (exchange) => {
    await exchange.write('one\ntw');
    await exchange.cut();
  });
  let text = '';
  await assert.rejects(
    async () => {
      for await (const bytes of kube.logs({ ...web, follow: true }, never)) text += bytes.toString();
    },
    { kind: 'unreachable', message: /closed the connection$/ },
  );
  assert.equal(text, 'one\ntw');
});

test('a connection that is cut at any byte is never a clean end', async () => {
  await using server = await FakeApiServer.listen();
  server.on('GET', path, async (exchange) => {
    await exchange.write('one\n');
    await exchange.write('two\n');
    exchange.end();
  });
  const read = async (cutAfter?: number) => {
    await using proxy = await TcpProxy.listen({ to: server.port });
    await using kube = connectFake(proxy.port);
    if (cutAfter !== undefined) proxy.cutAfter(cutAfter);
    const text = (await readAll(kube.logs({ ...web, follow: true }, never))).toString();
    return { text, bytes: proxy.passed };
  };
  const whole = await read();
  assert.equal(whole.text, 'one\ntwo\n');
  for (let bytes = 1; bytes < whole.bytes; bytes += 6) await assert.rejects(read(bytes), { kind: 'unreachable' });
});

test('a container that is not there is an ApiError', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', path, (exchange) => exchange.status(400, 'BadRequest', 'container main is not valid for pod web'));
  await assert.rejects(readAll(kube.logs(web, never)), { name: 'ApiError', status: 400 });
});

test('an abort ends a log that says nothing', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const abort = new AbortController();
  // The kubelet sends no head before the first line.
  server.on('GET', path, () => abort.abort());
  await assert.rejects(readAll(kube.logs({ ...web, follow: true }, abort.signal)), { name: 'AbortError' });
});

test('a reader that is slow holds the server back', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  let sent = 0;
  const block = Buffer.alloc(1024 * 1024, 'x');
  server.on('GET', path, async (exchange) => {
    for (; sent < 64; sent++) await exchange.write(block);
    exchange.end();
  });
  let got = 0;
  let most = 0;
  for await (const bytes of kube.logs({ ...web, follow: true }, never)) {
    got += bytes.length;
    if (got < 10 * block.length) most = Math.max(most, sent);
    await new Promise(setImmediate);
  }
  assert.equal(got, 64 * block.length);
  assert.ok(most < 40, `${most} MB were sent when 10 were read`);
});

test('jitter changes nothing in the bytes', async () => {
  await using server = await FakeApiServer.listen();
  await using proxy = await TcpProxy.listen({ to: server.port, seed: 7, jitterMs: 1 });
  await using kube = connectFake(proxy.port);
  const text = Array.from({ length: 3000 }, (_, i) => `line ${i} é\n`).join('');
  server.on('GET', path, (exchange) => exchange.raw(text));
  assert.equal((await readAll(kube.logs(web, never))).toString(), text);
});

test('a sleep ends a log as a cut would, also one whose answer has not begun', async () => {
  await using server = await FakeApiServer.listen();
  const { kube, sleep } = connectSleepy(server.port);
  await using _ = kube;
  server.on('GET', path, (exchange) => exchange.write('one\n'));
  server.on('GET', path.replace('web', 'quiet'), () => {});
  const log = kube.logs({ ...web, follow: true }, never)[Symbol.asyncIterator]();
  const quiet = kube.logs({ ...web, pod: 'quiet', follow: true }, never)[Symbol.asyncIterator]();
  assert.equal((await log.next()).value?.toString(), 'one\n');
  const ends = [log.next(), quiet.next()].map((next) =>
    assert.rejects(next, { kind: 'unreachable', detail: /this machine slept/ }),
  );
  while (server.requests.length < 2) await new Promise(setImmediate);
  sleep();
  await Promise.all(ends);
});

test('a log that is not followed and gives nothing is cut, before its first byte and after it', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port, 'quick');
  const silent = { kind: 'unreachable', message: /does not answer$/, where: 'the log of web/main' };
  server.on('GET', path, () => {});
  await assert.rejects(readAll(kube.logs(web, never)), silent);
  server.on('GET', path, (exchange) => exchange.write('one\n'));
  let text = '';
  await assert.rejects(async () => {
    for await (const bytes of kube.logs({ ...web, previous: true }, never)) text += bytes.toString();
  }, silent);
  assert.equal(text, 'one\n');
});

test('a log is not cut because nobody reads it', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port, 'quick');
  const read = gate();
  server.on('GET', path, async (exchange) => {
    await exchange.write('one\n');
    await read.passed;
    await exchange.write('two\n');
    exchange.end();
  });
  server.on('GET', path.replace('web', 'silent'), () => {});
  const log = kube.logs(web, never)[Symbol.asyncIterator]();
  assert.equal((await log.next()).value?.toString(), 'one\n');
  // As long as it takes to cut one that is read.
  await assert.rejects(readAll(kube.logs({ ...web, pod: 'silent' }, never)));
  read.open();
  assert.equal((await log.next()).value?.toString(), 'two\n');
  assert.equal((await log.next()).done, true);
});
