import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../../src/objects.ts';
import type { Forward } from '../../../src/project.ts';
import { doubtsAbout } from '../../../src/up/doubts.ts';
import { FakeKube } from '../../support/fake-kube.ts';

const web: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { ports: [{ port: 80, name: 'http' }] },
};
const database: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'postgres', namespace: 'storm' },
  spec: { ports: [{ port: 5432 }] },
};

async function doubts(...rules: readonly Forward[]) {
  const kube = new FakeKube({ namespaces: ['storm'] });
  kube.put(database);
  const { signal } = new AbortController();
  return doubtsAbout(rules, { objects: [web], kube, namespaceOf: () => 'storm', signal });
}

const to = (name: string, port: number | string): Forward => ({
  target: { kind: 'Service', name },
  port,
  local: 8080,
  address: '127.0.0.1',
  at: { file: 'stormctl.yaml', line: 7, column: 5 },
});

test('a forward to a port of a Service, by number or by name, is beyond doubt', async () => {
  assert.deepEqual(await doubts(to('web', 80), to('web', 'http')), []);
});

test('a target that only the cluster has is beyond doubt, and its ports are looked at', async () => {
  assert.deepEqual(await doubts(to('postgres', 5432), to('postgres', 5433)), [
    { text: 'forward: service/postgres has no port 5433 (stormctl.yaml:7:5)', next: 'it has 5432' },
  ]);
});

test('a target that nothing has is doubted, with the nearest of the manifests and the cluster', async () => {
  assert.deepEqual(await doubts(to('wbe', 80), to('postgers', 5432), to('mailhog', 8025)), [
    {
      text: 'forward: service/wbe is neither in the manifests nor in namespace storm (stormctl.yaml:7:5)',
      next: 'did you mean service/web?',
    },
    {
      text: 'forward: service/postgers is neither in the manifests nor in namespace storm (stormctl.yaml:7:5)',
      next: 'did you mean service/postgres?',
    },
    {
      text: 'forward: service/mailhog is neither in the manifests nor in namespace storm (stormctl.yaml:7:5)',
      next: 'connections wait until it is there',
    },
  ]);
});

test('a port that the Service does not have is doubted, with those that it has', async () => {
  assert.deepEqual(await doubts(to('web', 81)), [
    { text: 'forward: service/web has no port 81 (stormctl.yaml:7:5)', next: 'it has http' },
  ]);
});
