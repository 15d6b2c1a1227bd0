import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeenObjects } from '../../../src/deploy/seen-objects.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { claim, workload } from './support.ts';

const { signal } = new AbortController();
const deployments = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm' };
const web = { ...deployments, name: 'web' };

test('a list replaces what was seen of its collection, and of no other', async () => {
  const seen = new SeenObjects(new FakeKube());
  const elsewhere = { ...deployments, namespace: 'storm-2' };
  assert.equal(seen.isListed(web), false);
  await seen.take(deployments, { type: 'list', objects: [workload('Deployment', 'web')] }, signal);
  await seen.take(elsewhere, { type: 'list', objects: [workload('Deployment', 'web')] }, signal);
  await seen.take(deployments, { type: 'list', objects: [workload('Deployment', 'api')] }, signal);
  assert.equal(seen.isListed(web), true);
  assert.equal(seen.find(web), undefined);
  assert.ok(seen.find({ ...web, name: 'api' }));
  assert.ok(seen.find({ ...elsewhere, name: 'web' }));
  seen.forget(deployments);
  assert.equal(seen.isListed(web), false);
  assert.deepEqual(
    seen.all().map(({ metadata }) => metadata.name),
    ['web'],
  );
});

test('a claim that is bound no longer waits for a pod that uses it', async () => {
  const kube = new FakeKube();
  kube.put({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'local' },
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const seen = new SeenObjects(kube);
  const claims = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'storm' };
  const pending = { ...claim('data', 'web'), spec: { storageClassName: 'local' }, status: { phase: 'Pending' } };
  await seen.take(claims, { type: 'list', objects: [pending] }, signal);
  assert.equal(seen.bindsLater({ ...claims, name: 'data' }), true);
  await seen.take(claims, { type: 'set', object: { ...pending, status: { phase: 'Bound' } } }, signal);
  assert.equal(seen.bindsLater({ ...claims, name: 'data' }), false);
});
