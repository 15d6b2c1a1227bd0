import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { ApiError } from '../../../src/kube/kube.ts';
import { unreachable } from '../../../src/kube/unreachable.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { connectFake, gate } from './connect-fake.ts';

const get = { method: 'GET', path: '/version' } as const;

test('a body goes out as it is, with its query and its content type', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('PATCH', '/api/v1/namespaces/storm/configmaps/a', (exchange) => exchange.json({ kind: 'ConfigMap' }));
  const answer = await kube.request({
    method: 'PATCH',
    path: '/api/v1/namespaces/storm/configmaps/a',
    query: { fieldManager: 'stormctl', force: true, dryRun: undefined },
    contentType: 'application/apply-patch+yaml',
    body: { kind: 'ConfigMap', future: { field: 2n ** 60n } },
  });
  assert.deepEqual(answer, { kind: 'ConfigMap' });
  const [received] = server.requests;
  assert.equal(received?.query.toString(), 'fieldManager=stormctl&force=true');
  assert.equal(received?.headers['content-type'], 'application/apply-patch+yaml');
  assert.equal(received?.body, '{"kind":"ConfigMap","future":{"field":1152921504606846976}}');
});

test('a Status is an ApiError with its reason and details', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const status = {
    kind: 'Status',
    code: 422,
    reason: 'Invalid',
    message: 'no',
    details: { name: 'web', causes: [{ field: 'spec' }] },
  };
  server.on('GET', '/version', (exchange) => exchange.json(status, 422));
  await assert.rejects(kube.request(get), (error) => {
    assert.ok(error instanceof ApiError);
    const { status: code, reason, message, details, method, path } = error;
    assert.deepEqual(
      { code, reason, message, details },
      { code: 422, reason: 'Invalid', message: 'no', details: status.details },
    );
    assert.deepEqual([method, path], ['GET', '/version']);
    return true;
  });
});

test('an error page of something before the server is an ApiError with its first line', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/version', (exchange) => exchange.raw('upstream gone\n<html>', { status: 502 }));
  await assert.rejects(kube.request(get), {
    name: 'ApiError',
    status: 502,
    reason: 'BadGateway',
    message: 'upstream gone',
  });
});

test('a page that is no JSON is a failure that shows it', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/version', (exchange) => exchange.raw('<html>please log in', { type: 'text/html' }));
  await assert.rejects(kube.request(get), (error) => {
    assert.ok(error instanceof Failure);
    assert.match(
      error.message,
      /^the cluster at http:\/\/127\.0\.0\.1:\d+ \(context fake\) answered with something that is not JSON$/,
    );
    assert.match(error.detail ?? '', /please log in/);
    return true;
  });
});

test('a busy server says when to come again, in seconds or with a date, and nobody here comes again by himself', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const inAnHour = () => new Date(Date.now() + 3_600_000).toUTCString();
  for (const [retryAfter, least, most] of [
    ['60', 60, 60],
    [inAnHour(), 3590, 3600],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0, 0],
  ] as const) {
    server.on('GET', '/version', (exchange) =>
      exchange.status(429, 'TooManyRequests', 'later', { 'retry-after': retryAfter }),
    );
    await assert.rejects(kube.request(get), (error) => {
      assert.ok(error instanceof ApiError);
      const seconds = error.details?.retryAfterSeconds ?? Number.NaN;
      assert.ok(seconds >= least && seconds <= most, `${retryAfter} is not ${seconds} s`);
      return true;
    });
  }
  server.on('GET', '/version', (exchange) =>
    exchange.status(503, 'ServiceUnavailable', 'no', { 'retry-after': 'soon' }),
  );
  await assert.rejects(kube.request(get), { status: 503, details: undefined });
  assert.equal(server.requests.length, 4);
});

test('connections are kept and used again', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/version', (exchange) => exchange.json({}));
  for (let i = 0; i < 3; i++) await kube.request(get);
  assert.equal(new Set(server.requests.map(({ from }) => from)).size, 1);
});

test('a kept connection that is reset when it is used again does not fail a read or an apply', async () => {
  const apply = { method: 'PATCH', path: '/version', contentType: 'application/apply-patch+yaml', body: {} } as const;
  for (const request of [get, apply]) {
    await using server = await FakeApiServer.listen();
    await using kube = connectFake(server.port);
    server.on('GET', '/first', (exchange) => exchange.json({}));
    server.on(
      request.method,
      '/version',
      (exchange) => exchange.cut(),
      (exchange) => exchange.json({ again: true }),
    );
    await kube.request({ method: 'GET', path: '/first' });
    assert.deepEqual(await kube.request(request), { again: true });
  }
});

test('a reset is not repeated for a request that may have been done', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/version', (exchange) => exchange.json({}));
  server.on(
    'POST',
    '/version',
    (exchange) => exchange.cut(),
    (exchange) => exchange.json({}),
  );
  await kube.request(get);
  await assert.rejects(kube.request({ method: 'POST', path: '/version', body: {} }), (error) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.kind, 'unreachable');
    assert.match(error.message, /closed the connection$/);
    return true;
  });
  assert.equal(server.requests.length, 2);
});

test('a connection that is new and reset fails a read', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/version', (exchange) => exchange.cut());
  await assert.rejects(kube.request(get), { kind: 'unreachable' });
  assert.equal(server.requests.length, 1);
});

test('an answer that breaks off is a failure', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/version', async (exchange) => {
    await exchange.write('{"major":');
    await exchange.cut();
  });
  await assert.rejects(kube.request(get), { kind: 'unreachable', where: 'GET /version' });
});

test('a server that does not answer in time is a failure that names the time', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/version', () => {});
  await assert.rejects(kube.request({ ...get, timeoutMs: 50 }), {
    kind: 'unreachable',
    message: /^the cluster at .+ \(context fake\) did not answer within 0\.05 s$/,
  });
});

test('an abort ends a request with AbortError and frees its connection', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const arrived = gate();
  const left = gate();
  server.on('GET', '/version', async (exchange) => {
    arrived.open();
    await exchange.left();
    left.open();
  });
  const abort = new AbortController();
  const asked = kube.request({ ...get, signal: abort.signal });
  await arrived.passed;
  abort.abort();
  await assert.rejects(asked, { name: 'AbortError' });
  await left.passed;
});

test('an aborted signal sends nothing', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  await assert.rejects(kube.request({ ...get, signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.equal(server.requests.length, 0);
});

test('closing the client aborts what is under way', async () => {
  await using server = await FakeApiServer.listen();
  const kube = connectFake(server.port);
  const arrived = gate();
  server.on('GET', '/version', () => arrived.open());
  const asked = kube.request(get);
  await arrived.passed;
  await kube[Symbol.asyncDispose]();
  await assert.rejects(asked, { name: 'AbortError' });
});

test('a port on which nobody listens is told as such', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  await using kube = connectFake(port);
  await assert.rejects(kube.request(get), {
    kind: 'unreachable',
    message: `the cluster at http://127.0.0.1:${port} (context fake) refuses connections`,
    next: 'see whether it answers: kubectl --context fake get --raw /readyz',
  });
});

test('a network that holds everything back ends with the time, and the next request is served', async () => {
  await using server = await FakeApiServer.listen();
  await using proxy = await TcpProxy.listen({ to: server.port });
  await using kube = connectFake(proxy.port);
  server.on('GET', '/version', (exchange) => exchange.json({}));
  await kube.request(get);
  proxy.stall();
  await assert.rejects(kube.request({ ...get, timeoutMs: 100 }), { kind: 'unreachable' });
  proxy.resume();
  assert.deepEqual(await kube.request(get), {});
});

const target = { context: 'k', server: 'https://h:6443', namespace: 'default' };
for (const [code, verdict] of [
  ['ENOTFOUND', 'has a name that does not resolve: h'],
  ['EAI_AGAIN', 'has a name that does not resolve: h'],
  ['ETIMEDOUT', 'does not answer'],
  ['EHOSTUNREACH', 'does not answer'],
  ['ECONNRESET', 'closed the connection'],
  ['CERT_HAS_EXPIRED', "can't be trusted: its certificate has expired"],
  ['ERR_TLS_CERT_ALTNAME_INVALID', "can't be trusted: its certificate is for another host"],
  ['EPROTO', "can't be trusted: the TLS handshake failed: boom"],
  ['EWHATEVER', "can't be reached: boom"],
] as const)
  test(`${code} reads: the cluster … ${verdict}`, () => {
    const cause = Object.assign(new Error('boom'), { code, hostname: 'h' });
    const failure = unreachable(cause, target, 'GET /version');
    assert.equal(failure.message, `the cluster at https://h:6443 (context k) ${verdict}`);
    assert.equal(failure.exitCode, 6);
    assert.equal(failure.cause, cause);
  });
