import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCluster, checkContext, isLocal } from '../../../src/deploy/guard.ts';
import { checkIdentity, readIdentity } from '../../../src/deploy/identity.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { projectOf, ref } from './support.ts';

const guarded = (server: string, { named, engineHost }: { named?: string; engineHost?: string } = {}) =>
  checkCluster({
    target: { context: 'here', server, namespace: 'default' },
    project: projectOf(ref, named),
    engineHost,
  });

for (const server of [
  'https://127.0.0.1:6443',
  'https://127.1.2.3:6443',
  'https://[::1]:6443',
  'https://localhost:6550',
  'https://0.0.0.0:6443',
])
  test(`${server} is local`, () => guarded(server));

for (const server of [
  'https://10.0.0.1:6443',
  'https://127.evil.example',
  'https://localhost.example.com',
  'https://[::2]:1',
])
  test(`${server} is not local, and is refused unless the config names its context`, () => {
    assert.throws(
      () => guarded(server),
      (error: Error & { kind?: string; next?: string }) => {
        assert.equal(error.kind, 'guard');
        assert.ok(error.message.includes('here') && error.message.includes(server));
        assert.match(error.next ?? '', /cluster\.context: here/);
        return true;
      },
    );
    guarded(server, { named: 'here' });
  });

test('what is reached by a proxy is not local, whatever its address', () => {
  const proxy = 'socks5://localhost:1080';
  const target = { context: 'here', server: 'https://127.0.0.1:6443', proxy, namespace: 'default' };
  const engineHost = '127.0.0.1';
  assert.throws(() => checkCluster({ target, project: projectOf(ref), engineHost }), {
    kind: 'guard',
    message: /https:\/\/127\.0\.0\.1:6443 by the proxy socks5:\/\/localhost:1080/,
  });
  checkCluster({ target, project: projectOf(ref, 'here'), engineHost });
});

test('without a config a cluster that is not local is refused unless the command line names it', () => {
  const target = { context: 'here', server: 'https://10.0.0.1:6443', namespace: 'default' };
  const cluster = { context: undefined, namespace: 'storm', create: undefined };
  assert.throws(() => checkCluster({ target, project: { cluster, file: undefined }, engineHost: undefined }), {
    kind: 'guard',
    message: /nothing names it/,
    next: /--context here/,
  });
  const named = { ...cluster, context: 'here' };
  checkCluster({ target, project: { cluster: named, file: undefined }, engineHost: undefined });
  assert.equal(isLocal(target, undefined), false);
});

test('a cluster on the host of the engine is local', () => {
  guarded('https://builder.lan:6443', { engineHost: 'builder.lan' });
  assert.throws(() => guarded('https://other.lan:6443', { engineHost: 'builder.lan' }), { kind: 'guard' });
});

test('another context than the named one is refused, local or not', () => {
  assert.throws(() => guarded('https://127.0.0.1:6443', { named: 'there' }), {
    kind: 'guard',
    message: /context there only/,
    next: /leave --context out/,
  });
});

test('the name of a context is enough to refuse it, and is not enough to let an unnamed one pass', () => {
  assert.throws(() => checkContext('here', projectOf(ref, 'there')), {
    kind: 'guard',
    message: /context here is another/,
  });
  checkContext('there', projectOf(ref, 'there'));
  checkContext('here', projectOf(ref));
});

test('the same cluster passes, and one made anew at its address does not', async () => {
  const kube = new FakeKube();
  const identity = await readIdentity(kube);
  await checkIdentity(kube, identity);
  const another = new FakeKube();
  await assert.rejects(checkIdentity(another, identity), { kind: 'guard' });
});

test('who may not read kube-system is told apart by the server alone', async () => {
  const kube = new FakeKube();
  kube.failNext(() => true, refusal('GET', '/x', 403, 'Forbidden', 'no'), 2);
  const identity = await readIdentity(kube);
  assert.equal(identity.uid, undefined);
  await checkIdentity(kube, identity);
});
