import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gate } from '../../../src/deploy/gated-kube.ts';
import { Failure } from '../../../src/errors.ts';
import { never } from '../../../src/lib/abort.ts';
import { openCluster } from '../../../src/up/site.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { ProjectFolder } from './support.ts';

test('a cluster that does not accept the credentials is told as such, and let go of', {
  timeout: 120_000,
}, async () => {
  await using server = await FakeApiServer.listen();
  using folder = new ProjectFolder();
  folder.tree.write('kubeconfig', kubeconfig(server.url));
  let gone: Promise<void> = Promise.reject(new Error('nothing was asked'));
  gone.catch(() => {});
  server.on('GET', '/api/v1/namespaces/kube-system', (exchange) => {
    gone = exchange.left();
    exchange.status(401, 'Unauthorized', 'who are you?');
  });
  const { project } = folder;
  const env = { KUBECONFIG: folder.tree.at('kubeconfig') };
  const opening = openCluster({ project, context: undefined, env, report: () => {}, signal: never });
  await assert.rejects(opening, { name: 'Failure', kind: 'refused', next: /^log in again: / });
  await gone;
});

test("a cluster on the engine's own host is local to commands that use no engine, and one behind a proxy is not", async () => {
  using folder = new ProjectFolder();
  const { project } = folder;
  const opening = (text: string) => {
    folder.tree.write('kubeconfig', text);
    const env = { KUBECONFIG: folder.tree.at('kubeconfig'), DOCKER_HOST: 'tcp://engine.invalid:2375' };
    return openCluster({ project, context: undefined, env, report: () => {}, signal: never });
  };
  await assert.rejects(opening(kubeconfig('http://other.invalid:1')), { kind: 'guard' });
  await assert.rejects(opening(kubeconfig('http://engine.invalid:1')), { kind: 'unreachable' });
  await assert.rejects(opening(kubeconfig('http://127.0.0.1:1')), { kind: 'unreachable' });
  const proxied = kubeconfig('http://127.0.0.1:1', { 'proxy-url': 'http://ann:secret@localhost:1' });
  await assert.rejects(opening(proxied), { kind: 'guard', message: /by the proxy http:\/\/localhost:1\)/ });
});

test('a write that is cut and made again passes the gates anew: another session may have the project by then', async () => {
  await using server = await FakeApiServer.listen();
  using folder = new ProjectFolder();
  folder.tree.write('kubeconfig', kubeconfig(server.url));
  server.on('GET', '/api/v1/namespaces/kube-system', (exchange) => exchange.json({ metadata: { uid: 'one' } }));
  const path = '/api/v1/namespaces/storm/configmaps/a';
  server.on('PATCH', path, (exchange) => exchange.cut());
  const { project } = folder;
  const env = { KUBECONFIG: folder.tree.at('kubeconfig') };
  const reports: string[] = [];
  const report = ({ type }: { readonly type: string }) => reports.push(type);
  const { kube, behind } = await openCluster({ project, context: undefined, env, report, signal: never });
  await using _ = kube;
  let passed = 0;
  const hold: Gate = {
    beforeWrite: async () => {
      if (++passed > 1) throw new Failure('guard', 'another session has taken it');
    },
  };
  const writing = behind(hold).request({ method: 'PATCH', path, body: {}, signal: never });
  await assert.rejects(writing, { kind: 'guard' });
  assert.equal(server.requests.filter(({ method }) => method === 'PATCH').length, 1);
  assert.deepEqual(reports, ['session.lost']);
});

function kubeconfig(server: string, more: object = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'one',
    clusters: [{ name: 'cluster', cluster: { server, ...more } }],
    users: [{ name: 'user', user: {} }],
    contexts: [{ name: 'one', context: { cluster: 'cluster', user: 'user' } }],
  });
}
