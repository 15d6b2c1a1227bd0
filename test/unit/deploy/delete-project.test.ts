import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import type { DeleteOptions } from '../../../src/deploy/delete-project.ts';
import { planDelete } from '../../../src/deploy/plan-delete.ts';
import type { Report } from '../../../src/events.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import { formatId, type ObjectId } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, namespaceOf, ref, statefulSet, widget, widgets, workload } from './support.ts';
import { until } from '../../support/until.ts';

function remove(kube: FakeKube, options: Partial<DeleteOptions> = {}) {
  return deleteProject({
    kube,
    ...ref,
    volumes: false,
    namespaces: false,
    crds: false,
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
  const third = await remove(kube, { volumes: true, namespaces: true, crds: false });
  assert.deepEqual(third.deleted.map(formatId), ['persistentvolumeclaim/data-pg-0', 'namespace/storm']);
  assert.deepEqual(third.kept, []);
  assert.deepEqual(kube.all('ConfigMap'), []);
  assert.deepEqual(await remove(kube, { volumes: true, namespaces: true, crds: false }), {
    deleted: [],
    kept: [],
    left: [],
    unseen: [],
  });
});

test('with volumes the inventory goes too, when the namespace was there before', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, all);
  kube.put(claim('data-pg-0', 'pg'));
  const { kept } = await remove(kube, { volumes: true, namespaces: true, crds: false });
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
  const theirs = claim('data-pg-3', 'pg');
  const labels = { ...theirs.metadata.labels, 'applyset.kubernetes.io/part-of': 'another' };
  kube.put({ ...theirs, metadata: { ...theirs.metadata, labels } });
  await remove(kube, { volumes: true });
  assert.deepEqual(
    kube
      .all('PersistentVolumeClaim')
      .map(({ metadata }) => metadata.name)
      .toSorted(),
    ['data-pg-1', 'data-pg-2', 'data-pg-3', 'data-pg-backup'],
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
  await until(() => kube.watching > 0);
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
  await until(() => reports.length > 0);
  const [told] = reports;
  assert.ok(told?.type === 'deploy.waiting');
  assert.equal(told.because, 'it is being deleted, and its finalizers have not run: x/y');
  kube.remove(live);
  assert.deepEqual((await deleting).left, []);
});

test('what has not gone in time ends the delete, with what holds it, and the next one goes on', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a')]);
  const live = kube.find('ConfigMap', 'a');
  assert.ok(live);
  kube.put({ ...live, metadata: { ...live.metadata, finalizers: ['x/y'] } });
  await assert.rejects(remove(kube, { timeoutMs: 20 }), {
    kind: 'notReady',
    message: 'not gone after 0 s: configmap/a',
    detail: 'configmap/a: it is being deleted, and its finalizers have not run: x/y',
  });
  kube.remove(live);
  assert.deepEqual((await remove(kube)).left, []);
});

test('an abort while it waits leaves the inventory, and the next delete goes on', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), workload('Deployment', 'web')]);
  const live = kube.find('Deployment', 'web');
  assert.ok(live);
  kube.put({ ...live, metadata: { ...live.metadata, finalizers: ['foregroundDeletion'] } });
  const abort = new AbortController();
  const deleting = remove(kube, { signal: abort.signal });
  await until(() => kube.watching > 0);
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
  const first = await remove(kube, { namespaces: true, crds: false });
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
  const { kept } = await remove(kube, { volumes: true, namespaces: true, crds: false });
  assert.deepEqual(
    kept.map(({ id, because }) => [formatId(id), because]),
    [['namespace/storm', 'it holds what stormctl did not apply: configmap/foreign']],
  );
  assert.ok(kube.find('ConfigMap', 'foreign'));
});

test('the namespace stays while a definition does that nobody asked for: its inventory lies in it', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [widgets, configMap('a')]);
  const { signal } = new AbortController();
  const survey = { kube, ...ref, volumes: false, namespaces: true, crds: false, signal };
  const plan = await planDelete(survey);
  const done = await deleteProject({ ...survey, report: () => {} });
  assert.deepEqual(plan.kept, done.kept);
  const because = Object.fromEntries(done.kept.map((each) => [formatId(each.id), each.because]));
  assert.match(because['customresourcedefinition/widgets.example.com'] ?? '', /`stormctl delete --crds`/);
  assert.equal(
    because['namespace/storm'],
    'the inventory in it is all that tells of what stays elsewhere: customresourcedefinition/widgets.example.com',
  );
  const next = await deleteProject({ ...survey, crds: true, report: () => {} });
  assert.deepEqual(next.deleted.map(formatId), ['customresourcedefinition/widgets.example.com', 'namespace/storm']);
  assert.equal(kube.find('Namespace', 'storm'), undefined);
});

const tells = (what: RegExp) => new RegExp(`^the inventory in it is all that tells of .*: ${what.source}$`);

for (const [what, arrange, because] of [
  [
    'a definition that others use',
    (kube: FakeKube) => void kube.put(widget('theirs', { namespace: 'default', labels: {} })),
    tells(/customresourcedefinition\/widgets\.example\.com/),
  ],
  [
    'a namespace in which somebody made something',
    (kube: FakeKube) => void kube.put(configMap('theirs', {}, 'extra')),
    tells(/namespace\/extra/),
  ],
  [
    'a ClusterRole that can’t be deleted',
    (kube: FakeKube) => {
      const denial = refusal('DELETE', '/x', 403, 'Forbidden', 'no');
      kube.failNext((r) => isDelete(r) && r.path.includes('/clusterroles/'), denial, 9);
    },
    tells(/clusterrole\/r/),
  ],
  [
    'any ClusterRole, as far as can be seen',
    (kube: FakeKube) => kube.forbid(({ path }) => path.endsWith('/clusterroles')),
    tells(/any ClusterRole\.rbac\.authorization\.k8s\.io, which can't be seen/),
  ],
] as const)
  test(`the namespace of the inventory stays while ${what} does elsewhere`, async () => {
    const kube = new FakeKube();
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'r' } };
    await applyTo(kube, [namespaceOf('storm'), namespaceOf('extra'), widgets, role, configMap('a')]);
    arrange(kube);
    const asked = { volumes: true, namespaces: true, crds: true };
    const planned = await planDelete({ kube, ...ref, ...asked, signal: new AbortController().signal });
    const { kept, left } = await remove(kube, asked);
    const own = ({ id }: { readonly id: ObjectId }) => formatId(id) === 'namespace/storm';
    assert.match(kept.find(own)?.because ?? '', because);
    if (left.length === 0) assert.match(planned.kept.find(own)?.because ?? '', because);
    assert.ok(kube.find('ConfigMap', 'stormctl-storm'));
  });

test('a namespace does not take along what was refused its deletion', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [namespaceOf('extra'), configMap('a'), configMap('b', {}, 'extra')]);
  const denial = refusal(
    'DELETE',
    '/x',
    403,
    'Forbidden',
    'admission webhook "keep.example.com" denied the request: no',
  );
  kube.failNext((r) => isDelete(r) && r.path.endsWith('/b'), denial);
  const { left, kept } = await remove(kube, { namespaces: true });
  assert.deepEqual(
    left.map(({ id }) => formatId(id)),
    ['configmap/b'],
  );
  assert.deepEqual(
    kept.map(({ id, because }) => `${formatId(id)}: ${because}`),
    [
      "namespace/extra: it holds what can't be deleted: configmap/b",
      'namespace/storm: the inventory in it is all that tells of what stays elsewhere: configmap/b in extra, namespace/extra',
    ],
  );
  assert.ok(kube.find('ConfigMap', 'b'));
  assert.deepEqual((await remove(kube, { namespaces: true })).deleted.map(formatId), [
    'configmap/b',
    'namespace/extra',
    'namespace/storm',
  ]);
});

test('the time of a delete counts for all of its ranks together', async (t) => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [configMap('a'), workload('Deployment', 'web')]);
  for (const object of [kube.find('ConfigMap', 'a'), kube.find('Deployment', 'web')])
    kube.put({
      ...(object ?? assert.fail()),
      metadata: { ...object?.metadata, name: object?.metadata.name ?? '', finalizers: ['x/y'] },
    });
  const now = performance.now.bind(performance);
  let skew = 0;
  t.mock.method(performance, 'now', () => now() + skew);
  const deleting = remove(kube, { timeoutMs: 600_000 });
  deleting.catch(() => {});
  await until(() => kube.watching > 0);
  skew = 600_000;
  kube.remove(kube.find('Deployment', 'web') ?? assert.fail());
  await assert.rejects(deleting, { kind: 'notReady', message: 'not gone after 600 s: configmap/a' });
});
