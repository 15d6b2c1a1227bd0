import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Exchange, FakeApiServer } from '../../support/fake-api-server.ts';
import { connectFake } from './connect-fake.ts';

const resources =
  (...kinds: readonly string[]) =>
  (exchange: Exchange) =>
    exchange.json({
      resources: kinds.flatMap((kind) => [
        { name: `${kind.toLowerCase()}s`, kind, namespaced: true },
        { name: `${kind.toLowerCase()}s/status`, kind, namespaced: true },
      ]),
    });

test('an API version is asked for once, by however many at once', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/apis/apps/v1', resources('Deployment', 'StatefulSet'));
  const found = await Promise.all([
    kube.resource('apps/v1', 'Deployment'),
    kube.resource('apps/v1', 'StatefulSet'),
    kube.resource('apps/v1', 'Deployment'),
  ]);
  assert.deepEqual(
    found.map(({ plural }) => plural),
    ['deployments', 'statefulsets', 'deployments'],
  );
  await kube.resource('apps/v1', 'StatefulSet');
  assert.equal(server.requests.length, 1);
});

test('a kind that was not there is looked for again', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/apis/own.example/v1', resources('Old'), resources('Old', 'New'));
  await kube.resource('own.example/v1', 'Old');
  assert.equal((await kube.resource('own.example/v1', 'New')).plural, 'news');
  assert.equal(server.requests.length, 2);
});

test('a kind that there is not is a usage failure that names the nearest', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/apis/apps/v1', resources('Deployment', 'StatefulSet'));
  await assert.rejects(kube.resource('apps/v1', 'Deploymnt'), {
    kind: 'usage',
    message: 'the cluster knows no kind Deploymnt in apps/v1',
    next: 'did you mean Deployment?',
  });
});

test('an API version that there is not is a usage failure', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  await assert.rejects(kube.resource('own.example/v1', 'Thing'), { kind: 'usage', next: /CustomResourceDefinition/ });
});

test('discovery that failed is asked again', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  server.on('GET', '/api/v1', (exchange) => exchange.status(500, 'InternalError', 'no'), resources('Pod'));
  await assert.rejects(kube.resource('v1', 'Pod'), { status: 500 });
  assert.equal((await kube.resource('v1', 'Pod')).plural, 'pods');
});

test('the abort of one who waits does not end the question of another', async () => {
  await using server = await FakeApiServer.listen();
  await using kube = connectFake(server.port);
  const abort = new AbortController();
  server.on('GET', '/api/v1', (exchange) => {
    abort.abort();
    resources('Pod')(exchange);
  });
  const first = kube.resource('v1', 'Pod', abort.signal);
  const second = kube.resource('v1', 'Pod');
  await assert.rejects(first, { name: 'AbortError' });
  assert.equal((await second).plural, 'pods');
});
