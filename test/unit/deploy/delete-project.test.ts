import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import type { DeleteOptions } from '../../../src/deploy/delete-project.ts';
import type { Report } from '../../../src/events.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import { formatId } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, ref, statefulSet, workload } from './support.ts';

function remove(kube: FakeKube, options: Partial<DeleteOptions> = {}) {
  return deleteProject({
    kube,
    ...ref,
    volumes: false,
    namespaces: false,
    signal: new AbortController().signal,
    report: () => {},
    ...options,
  });
}

const all = [configMap('a'), statefulSet('pg'), workload('Deployment', 'web')];
const isDelete = ({ method }: KubeRequest) => method === 'DELETE';

test('members go, workloads first; namespace, claims and inventory stay', async () => {
  const kube = new FakeKube();
  await applyTo(kube, all);
  kube.put(claim('data-pg-0', 'pg'));
  const { deleted, kept, left } = await remove(kube);
  assert.equal(deleted.map(formatId).at(-1), 'configmap/a');
  assert.deepEqual(deleted.map(formatId).toSorted(), ['configmap/a', 'deployment/web', 'statefulset/pg']);
  assert.deepEqual(
    kept.map(({ id }) => formatId(id)),
    ['persistentvolumeclaim/data-pg-0', 'namespace/storm'],
  );
  assert.deepEqual(left, []);
  assert.ok(kube.find('PersistentVolumeClaim', 'data-pg-0'));
  const inventory = kube.find('ConfigMap', 'stormctl-storm');
  assert.equal(
    inventory?.metadata.annotations?.['applyset.kubernetes.io/contains-group-kinds'],
    'Namespace,PersistentVolumeClaim',
  );
});

test('a second delete finds nothing more, and one with volumes and namespaces leaves nothing', async () => {
  const kube = new FakeKube();
  await applyTo(kube, all);
  kube.put(claim('data-pg-0', 'pg'));
  await remove(kube);
  const second = await remove(kube);
  assert.deepEqual(second.deleted, []);
  assert.equal(second.kept.length, 2);
  const third = await remove(kube, { volumes: true, namespaces: true });
  assert.deepEqual(third.deleted.map(formatId), ['persistentvolumeclaim/data-pg-0', 'namespace/storm']);
  assert.deepEqual(third.kept, []);
  assert.deepEqual(kube.all('ConfigMap'), []);
  assert.deepEqual(await remove(kube, { volumes: true, namespaces: true }), { deleted: [], kept: [], left: [] });
});

test('with volumes the inventory goes too, when the namespace was there before', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, all);
  kube.put(claim('data-pg-0', 'pg'));
  const { kept } = await remove(kube, { volumes: true, namespaces: true });
  assert.deepEqual(kept, []);
  assert.equal(kube.find('PersistentVolumeClaim', 'data-pg-0'), undefined);
  assert.equal(kube.find('ConfigMap', 'stormctl-storm'), undefined);
  assert.ok(kube.find('Namespace', 'storm'));
});

test('claims that only look like the StatefulSet’s are not taken', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, all);
  kube.put(claim('data-pg-0', 'pg'));
  kube.put(claim('data-pg-1', 'other'));
  kube.put(claim('data-pg-backup', 'pg'));
  const owned = claim('data-pg-2', 'pg');
  const ownerReferences = [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'u' }];
  kube.put({ ...owned, metadata: { ...owned.metadata, ownerReferences } });
  await remove(kube, { volumes: true });
  assert.deepEqual(
    kube
      .all('PersistentVolumeClaim')
      .map(({ metadata }) => metadata.name)
      .toSorted(),
    ['data-pg-1', 'data-pg-2', 'data-pg-backup'],
  );
});

test('it waits until what has finalizers is gone', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a')]);
  const live = kube.find('ConfigMap', 'a');
  assert.ok(live);
  kube.put({ ...live, metadata: { ...live.metadata, finalizers: ['x/y'] } });
  const reports: Report[] = [];
  const deleting = remove(kube, { report: (report) => reports.push(report) });
  while (kube.watching === 0) await new Promise(setImmediate);
  assert.equal(reports.length, 0);
  kube.cutWatches();
  kube.remove(live);
  assert.deepEqual((await deleting).deleted.map(formatId), ['configmap/a']);
  assert.equal(reports[0]?.type, 'deploy.deleted');
});

test('what does not go is told, with the finalizers that hold it', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a')]);
  const live = kube.find('ConfigMap', 'a');
  assert.ok(live);
  kube.put({ ...live, metadata: { ...live.metadata, finalizers: ['x/y'] } });
  const reports: Report[] = [];
  const deleting = remove(kube, { report: (report) => reports.push(report), lastingMs: 1 });
  while (reports.length === 0) await new Promise(setImmediate);
  const [told] = reports;
  assert.ok(told?.type === 'deploy.waiting');
  assert.equal(told.because, 'it is being deleted, and its finalizers have not run: x/y');
  kube.remove(live);
  assert.deepEqual((await deleting).left, []);
});

test('an abort while it waits leaves the inventory, and the next delete goes on', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), workload('Deployment', 'web')]);
  const live = kube.find('Deployment', 'web');
  assert.ok(live);
  kube.put({ ...live, metadata: { ...live.metadata, finalizers: ['foregroundDeletion'] } });
  const abort = new AbortController();
  const deleting = remove(kube, { signal: abort.signal });
  while (kube.watching === 0) await new Promise(setImmediate);
  abort.abort();
  await assert.rejects(deleting, { name: 'AbortError' });
  assert.equal(kube.watching, 0);
  const live2 = kube.find('Deployment', 'web');
  assert.ok(live2);
  kube.remove(live2);
  assert.deepEqual((await remove(kube)).deleted.map(formatId), ['configmap/a']);
});

test('what the server does not delete is left, with its words, and stays in the inventory', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [configMap('a'), configMap('b')]);
  kube.failNext((r) => isDelete(r) && r.path.endsWith('/a'), refusal('DELETE', '/x', 403, 'Forbidden', 'you may not'));
  const { deleted, left } = await remove(kube);
  assert.deepEqual(deleted.map(formatId), ['configmap/b']);
  assert.equal(left[0]?.because, 'you may not');
  assert.deepEqual((await remove(kube)).deleted.map(formatId), ['configmap/a']);
  assert.equal(kube.find('ConfigMap', 'stormctl-storm'), undefined);
});

test('a namespace that holds claims or another project is kept', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [statefulSet('pg')]);
  await applyTo(kube, [configMap('b')], { ref: { name: 'other', namespace: 'storm' } });
  kube.put(claim('data-pg-0', 'pg'));
  const first = await remove(kube, { namespaces: true });
  assert.match(first.kept.find(({ id }) => id.kind === 'Namespace')?.because ?? '', /data-pg-0/);
  const second = await remove(kube, { namespaces: true, volumes: true });
  assert.match(second.kept.find(({ id }) => id.kind === 'Namespace')?.because ?? '', /stormctl-other/);
  assert.ok(kube.find('ConfigMap', 'b'));
});

test('a namespace that stormctl neither made nor applied is never deleted', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [configMap('a')]);
  await remove(kube, { namespaces: true, volumes: true });
  assert.ok(kube.find('Namespace', 'storm'));
});

test('objects without the label stay, whatever their name', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [configMap('a')]);
  kube.put(configMap('theirs', {}, 'storm'));
  const labels = { 'applyset.kubernetes.io/part-of': applySetId({ name: 'else', namespace: 'storm' }) };
  kube.put({ ...configMap('b'), metadata: { name: 'b', namespace: 'storm', labels } });
  await remove(kube);
  assert.deepEqual(
    kube
      .all('ConfigMap')
      .map(({ metadata }) => metadata.name)
      .toSorted(),
    ['b', 'theirs'],
  );
});

test('a namespace that holds what somebody else put there is kept, and that is said', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a')]);
  kube.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'foreign', namespace: 'storm' }, data: {} });
  const { kept } = await remove(kube, { volumes: true, namespaces: true });
  assert.deepEqual(
    kept.map(({ id, because }) => [formatId(id), because]),
    [['namespace/storm', 'it holds what stormctl did not apply: configmap/foreign']],
  );
  assert.ok(kube.find('ConfigMap', 'foreign'));
});
