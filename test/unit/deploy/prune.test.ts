import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import { diffObjects } from '../../../src/deploy/diff.ts';
import { planDelete } from '../../../src/deploy/plan-delete.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { formatId, type KubeObject } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, namespaceOf, ref, statefulSet, widget, widgets, workload } from './support.ts';

const { signal } = new AbortController();
const pvc: KubeObject = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'files' }, spec: {} };
const everything = { volumes: true, namespaces: true, crds: true };

test('claims, namespaces and definitions that left the manifests stay, and the flag that deletes them is named', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [pvc, namespaceOf('extra'), widgets]);
  const reports: Report[] = [];
  const { kept, pruned } = await applyTo(kube, [], { reports });
  assert.deepEqual(pruned, []);
  assert.deepEqual(kept.map(({ id }) => formatId(id)).toSorted(), [
    'customresourcedefinition/widgets.example.com',
    'namespace/extra',
    'persistentvolumeclaim/files',
  ]);
  const told = reports.flatMap((report) => (report.type === 'deploy.kept' ? [report.because] : []));
  for (const flag of ['--volumes', '--namespaces', '--crds'])
    assert.ok(
      told.some((because) => because.endsWith(`\`stormctl run ${flag}\``)),
      flag,
    );
});

test('they go when they are asked for, users of things before the things', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), pvc, namespaceOf('extra'), configMap('b', {}, 'extra'), widgets, widget('w')]);
  const before = kube.requests.length;
  const { kept, pruned } = await applyTo(kube, [configMap('a')], { prunes: everything });
  assert.deepEqual(kept, []);
  assert.equal(pruned.length, 5);
  assert.deepEqual(
    kube.all().flatMap(({ kind, metadata }) => (kind === 'Widget' || metadata.namespace === 'extra' ? [kind] : [])),
    [],
  );
  assert.equal(kube.find('Namespace', 'extra'), undefined);
  assert.equal(kube.find('PersistentVolumeClaim', 'files'), undefined);
  const removed = kube.requests.slice(before).filter(({ method }) => method === 'DELETE');
  const order = removed.map(({ path }) => path.split('/').at(-1));
  assert.equal(order[0], 'w');
  assert.deepEqual(order.slice(-2).toSorted(), ['extra', 'widgets.example.com']);
});

test('one flag takes what it names and nothing else', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [pvc, namespaceOf('extra'), widgets]);
  const { pruned } = await applyTo(kube, [], { prunes: { crds: true } });
  assert.deepEqual(pruned.map(formatId), ['customresourcedefinition/widgets.example.com']);
});

test('with --volumes the claims of a StatefulSet go with it, and those that one of the manifests uses stay', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [statefulSet('pg'), statefulSet('other')]);
  for (const name of ['pg', 'other']) kube.put(claim(`data-${name}-0`, name));
  await applyTo(kube, [statefulSet('other')]);
  await applyTo(kube, [statefulSet('pg'), statefulSet('other')], { prunes: { volumes: true } });
  assert.ok(kube.find('PersistentVolumeClaim', 'data-pg-0'), 'it serves its StatefulSet again');
  const { pruned } = await applyTo(kube, [statefulSet('other')], { prunes: { volumes: true } });
  assert.deepEqual(pruned.map(formatId).toSorted(), ['persistentvolumeclaim/data-pg-0', 'statefulset/pg']);
  assert.ok(kube.find('PersistentVolumeClaim', 'data-other-0'));
});

for (const [what, arrange, because] of [
  ['in which somebody made something', (kube: FakeKube) => void kube.put(configMap('theirs', {}, 'extra')), /theirs/],
  ['that holds a claim', (kube: FakeKube) => void kube.put(claim('c', 'x', 'extra')), /still holds claims: c/],
] as const)
  test(`a namespace ${what} is not pruned`, async () => {
    const kube = new FakeKube();
    await applyTo(kube, [namespaceOf('extra')]);
    arrange(kube);
    const { kept, pruned } = await applyTo(kube, [], { prunes: { namespaces: true } });
    assert.deepEqual(pruned, []);
    assert.match(kept[0]?.because ?? '', because);
  });

test('a namespace that the manifests still put something into is not pruned, nor the project’s own, nor Kubernetes’', async () => {
  const kube = new FakeKube();
  const inside = configMap('b', {}, 'extra');
  await applyTo(kube, ['extra', 'storm', 'default'].map(namespaceOf));
  const { kept, pruned } = await applyTo(kube, [inside], { prunes: { namespaces: true } });
  assert.deepEqual(pruned, []);
  assert.deepEqual(kept.map(({ id, because }) => `${id.name}: ${because}`).toSorted(), [
    'default: it is one of Kubernetes’ own',
    'extra: configmap/b of the manifests goes into it',
    'storm: the project itself lives in it',
  ]);
});

test('a definition of whose kind others have objects is neither pruned nor deleted, and they are named', async () => {
  const kube = new FakeKube({ namespaces: ['team-b'] });
  await applyTo(kube, [widgets, widget('ours')]);
  const labels = { 'stormctl.dev/project': 'other' };
  kube.put(widget('theirs', { namespace: 'team-b', labels }));
  const because = /one object of its kind .*: widget\/theirs in team-b \(project other\)/;
  const { kept, pruned } = await applyTo(kube, [], { prunes: { crds: true } });
  assert.deepEqual(pruned.map(formatId), ['widget/ours']);
  assert.match(kept[0]?.because ?? '', because);
  const survey = { kube, ...ref, ...everything, signal };
  assert.match((await planDelete(survey)).kept[0]?.because ?? '', because);
  const done = await deleteProject({ ...survey, report: () => {} });
  assert.match(done.kept[0]?.because ?? '', because);
  assert.ok(kube.find('Widget', 'theirs'));
  assert.ok(kube.find('CustomResourceDefinition', 'widgets.example.com'));
});

test('of many objects three are named and the rest is counted', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [widgets]);
  for (const name of ['a', 'b', 'c', 'd', 'e']) kube.put(widget(name, { namespace: 'default' }));
  const { kept } = await applyTo(kube, [], { prunes: { crds: true } });
  assert.match(kept[0]?.because ?? '', /^5 objects .*: widget\/a in default, .*, 2 more$/);
});

test('a definition whose objects stay in the manifests stays', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [widgets, widget('ours')]);
  const { kept } = await applyTo(kube, [widget('ours')], { prunes: { crds: true } });
  assert.match(kept[0]?.because ?? '', /widget\/ours in storm/);
});

test('what a controller made from an object that goes does not keep a definition', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [widgets, widget('ours')]);
  const uid = kube.find('Widget', 'ours')?.metadata.uid ?? '';
  const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'ours', uid, controller: true }];
  kube.put(widget('made', { namespace: 'storm', ownerReferences }));
  const { kept } = await applyTo(kube, [], { prunes: { crds: true } });
  assert.deepEqual(kept, []);
});

test('a definition whose objects may not be seen stays', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [widgets]);
  kube.failNext(({ path }) => path.endsWith('/v1/widgets'), refusal('GET', '/x', 403, 'Forbidden', 'no rights'), 9);
  const { kept } = await applyTo(kube, [], { prunes: { crds: true } });
  assert.match(kept[0]?.because ?? '', /can’t be seen: no rights/);
});

test('delete takes definitions after their objects, when they are asked for', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [widgets, widget('ours')]);
  const survey = { kube, ...ref, volumes: false, namespaces: false, signal };
  const without = await planDelete({ ...survey, crds: false });
  assert.match(without.kept[0]?.because ?? '', /`stormctl delete --crds`/);
  const plan = await planDelete({ ...survey, crds: true });
  assert.deepEqual(plan.goes.map(formatId), ['widget/ours', 'customresourcedefinition/widgets.example.com']);
  const { deleted } = await deleteProject({ ...survey, crds: true, report: () => {} });
  assert.deepEqual(deleted.map(formatId), plan.goes.map(formatId));
  assert.equal(kube.find('CustomResourceDefinition', 'widgets.example.com'), undefined);
});

test('a diff tells what is kept and why, and what goes when it is asked for', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [statefulSet('pg'), namespaceOf('extra')]);
  kube.put(claim('data-pg-0', 'pg'));
  const before = kube.requests.length;
  const plain = await diffObjects({ kube, ref, objects: [], signal });
  const went = (diff: typeof plain) => diff.changes.map(({ kind, id }) => `${kind} ${formatId(id)}`).toSorted();
  assert.deepEqual(went(plain), ['pruned statefulset/pg']);
  assert.deepEqual(
    plain.kept.map(({ id }) => formatId(id)),
    ['namespace/extra', 'persistentvolumeclaim/data-pg-0'],
  );
  const asked = await diffObjects({ kube, ref, objects: [], asked: everything, signal });
  assert.deepEqual(asked.kept, []);
  assert.deepEqual(went(asked), [
    'pruned namespace/extra',
    'pruned persistentvolumeclaim/data-pg-0',
    'pruned statefulset/pg',
  ]);
  assert.ok(kube.requests.slice(before).every(({ method }) => method === 'GET'));
});

test('a claim that can’t be changed in place is told how to lose its data on purpose', async () => {
  const kube = new FakeKube();
  const words = 'PersistentVolumeClaim "files" is invalid: spec: Forbidden: spec is immutable after creation except …';
  const details = { causes: [{ field: 'spec', message: 'Forbidden: spec is immutable after creation' }] };
  const isPatch = ({ method, path }: { method: string; path: string }) => method === 'PATCH' && path.endsWith('/files');
  kube.failNext(isPatch, refusal('PATCH', '/x', 422, 'Invalid', words, details));
  const { refused } = await applyTo(kube, [pvc]);
  assert.match(refused[0]?.failure.next ?? '', /`stormctl run --volumes`/);
});

test('a definition stays when one of its objects could not be deleted', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [widgets, widget('precious'), widget('plain')]);
  const denial = refusal('DELETE', '', 403, 'Forbidden', 'admission webhook "keep.example.com" denied the request: no');
  kube.failNext(({ method, path }) => method === 'DELETE' && path.endsWith('/precious'), denial);
  const { pruned, kept } = await applyTo(kube, [], { prunes: { crds: true } });
  assert.deepEqual(pruned.map(formatId), ['widget/plain']);
  assert.ok(kube.find('CustomResourceDefinition', 'widgets.example.com'));
  assert.ok(kube.find('Widget', 'precious'));
  const because = Object.fromEntries(kept.map((each) => [formatId(each.id), each.because]));
  assert.match(because['widget/precious'] ?? '', /^it can't be deleted: admission webhook/);
  assert.match(because['customresourcedefinition/widgets.example.com'] ?? '', /widget\/precious/);
  // What is left is found again.
  const later = await applyTo(kube, [], { prunes: { crds: true } });
  assert.equal(later.pruned.length, 2);
});

test('an object goes with its definition only when all of its owners go', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [widgets, widget('ours')]);
  const owner = (name: string, uid = '') => ({ apiVersion: 'example.com/v1', kind: 'Widget', name, uid });
  const ours = owner('ours', kube.find('Widget', 'ours')?.metadata.uid);
  kube.put(widget('both', { namespace: 'storm', ownerReferences: [ours, owner('theirs', 'another-uid')] }));
  const { kept } = await applyTo(kube, [], { prunes: { crds: true } });
  assert.match(kept[0]?.because ?? '', /widget\/both/);
  assert.ok(kube.find('CustomResourceDefinition', 'widgets.example.com'));
});

test('a namespace stays when one of its objects could not be deleted', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [namespaceOf('extra'), configMap('precious', {}, 'extra'), configMap('plain', {}, 'extra')]);
  const denial = refusal('DELETE', '', 403, 'Forbidden', 'admission webhook "keep.example.com" denied the request: no');
  kube.failNext(({ method, path }) => method === 'DELETE' && path.endsWith('/precious'), denial);
  const { pruned, kept } = await applyTo(kube, [], { prunes: { namespaces: true } });
  assert.deepEqual(pruned.map(formatId), ['configmap/plain']);
  assert.ok(kube.find('ConfigMap', 'precious'));
  assert.equal(
    kept.find(({ id }) => id.kind === 'Namespace')?.because,
    "it holds what can't be deleted: configmap/precious",
  );
  const later = await applyTo(kube, [], { prunes: { namespaces: true } });
  assert.deepEqual(later.pruned.map(formatId).toSorted(), ['configmap/precious', 'namespace/extra']);
});

test('a definition goes after an object that its finalizers still hold', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [widgets, widget('slow')]);
  const live = kube.find('Widget', 'slow') ?? assert.fail();
  kube.put({ ...live, metadata: { ...live.metadata, finalizers: ['example.com/hold'] } });
  const { pruned, kept } = await applyTo(kube, [], { prunes: { crds: true } });
  assert.deepEqual(pruned.map(formatId), ['widget/slow', 'customresourcedefinition/widgets.example.com']);
  assert.deepEqual(kept, []);
});

test('what was written and pruned before the cluster went away is told all the same', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'first'), configMap('second')]);
  const gone = new Failure('unreachable', 'connection refused');
  kube.failNext(({ method, path }) => method === 'DELETE' && path.endsWith('/second'), gone);
  const reports: Report[] = [];
  await assert.rejects(applyTo(kube, [configMap('new')], { reports }), gone);
  const [told] = reports.flatMap((report) => (report.type === 'deploy.applied' ? [report] : []));
  assert.deepEqual(
    [told?.created, told?.pruned].map((ids) => ids?.map(formatId)),
    [['configmap/new'], ['deployment/first']],
  );
  const { unchanged, pruned } = await applyTo(kube, [configMap('new')]);
  assert.deepEqual([unchanged, pruned.map(formatId)], [1, ['configmap/second']]);
});
