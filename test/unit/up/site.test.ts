import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCluster } from '../../../src/up/site.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { never, ProjectFolder } from './support.ts';

test('a cluster that does not accept the credentials is told as such, and let go of', { timeout: 60_000 }, async () => {
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
  await assert.rejects(opening, { name: 'Failure', kind: 'unreachable', next: /log in to the cluster again/ });
  await gone;
});

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'one',
    clusters: [{ name: 'cluster', cluster: { server } }],
    users: [{ name: 'user', user: {} }],
    contexts: [{ name: 'one', context: { cluster: 'cluster', user: 'user' } }],
  });
}
