import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApplier } from '../../../src/deploy/applier.ts';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { diffObjects } from '../../../src/deploy/diff.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import type { Report } from '../../../src/events.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import { own } from '../../../src/manifests/own.ts';
import { formatId, type KubeObject } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, configMap, namespaceOf, projectOf, ref, workload } from './support.ts';

const other = { name: 'shop', namespace: 'storm' };
const prod = { name: 'storm', namespace: 'prod' };
const role = (...verbs: readonly string[]): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'reader' },
  rules: [{ apiGroups: [''], resources: ['pods'], verbs }],
});
const partOf = (object: KubeObject | undefined) => object?.metadata.labels?.['applyset.kubernetes.io/part-of'];
const diff = (kube: FakeKube, objects: readonly KubeObject[]) => {
  const rendered = objects.map((object) => ({
    object: own(object, { project: ref.name, applySetId: applySetId(ref) }),
    where: 'm.yaml:1:1',
  }));
  return diffObjects({ kube, ref, objects: rendered, signal: new AbortController().signal });
};

test('an object of another project is refused before anything of it is written, and the others are written', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('shared', { k: 'theirs' })], { ref: other });
  const there = kube.find('ConfigMap', 'shared');
  const applied = await applyTo(kube, [configMap('shared', { k: 'ours' }), configMap('own')]);
  const [refused] = applied.refused;
  assert.equal(refused?.failure.kind, 'guard');
  assert.equal(refused.failure.message, 'configmap/shared in storm belongs to the project shop in the namespace storm');
  assert.match(refused.failure.next ?? '', /another name.*kubectl label configmap shared -n storm /);
  assert.deepEqual(kube.find('ConfigMap', 'shared'), there);
  assert.deepEqual(applied.created.map(formatId), ['configmap/own']);
});

test('diff names an object of another project as what keeps an apply from its end', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('shared', { k: 'theirs' })], { ref: other });
  const found = await diff(kube, [configMap('shared', { k: 'ours' })]);
  assert.deepEqual(found.changes, []);
  assert.deepEqual(
    found.refused.map(({ kind, message }) => [kind, message]),
    [['guard', 'configmap/shared in storm belongs to the project shop in the namespace storm']],
  );
});

test('the namespace of another project is found by its inventory, and not named to whom that is not shown', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [role('get')], { ref: { name: 'shop', namespace: 'elsewhere' } });
  const seen = await applyTo(kube, [role('get')]);
  assert.match(seen.refused[0]?.failure.message ?? '', /belongs to the project shop in the namespace elsewhere$/);
  const isSearch = ({ path }: KubeRequest) => path === '/api/v1/configmaps';
  kube.failNext(isSearch, refusal('GET', '/api/v1/configmaps', 403, 'Forbidden', 'forbidden'));
  const unseen = await applyTo(kube, [role('get')]);
  assert.match(unseen.refused[0]?.failure.message ?? '', /belongs to the project shop$/);
});

test('what another environment of the project has just so is left to it, and said once', async () => {
  const kube = new FakeKube();
  const reports: Report[] = [];
  await applyTo(kube, [role('get'), configMap('a')], { ref: prod });
  const there = kube.find('ClusterRole', 'reader');
  const applied = await applyTo(kube, [role('get'), configMap('a')], { reports });
  assert.deepEqual(applied.refused, []);
  assert.deepEqual(applied.created.map(formatId), ['configmap/a']);
  assert.equal(applied.unchanged, 1);
  assert.deepEqual(kube.find('ClusterRole', 'reader'), there);
  const notes = reports.flatMap((report) => (report.type === 'note' ? [report.text] : []));
  assert.deepEqual(notes, [
    'clusterrole/reader is left to the same project in the namespace prod, where it is the same',
  ]);
  assert.deepEqual((await diff(kube, [role('get'), configMap('a')])).changes, []);
});

test('what another environment of the project has otherwise is refused, and stays its own', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [role('get')], { ref: prod });
  const there = kube.find('ClusterRole', 'reader');
  const applied = await applyTo(kube, [role('get', 'delete')]);
  assert.equal(applied.refused[0]?.failure.kind, 'guard');
  assert.equal(
    applied.refused[0].failure.message,
    'clusterrole/reader belongs to the same project in the namespace prod, and differs there',
  );
  assert.deepEqual(kube.find('ClusterRole', 'reader'), there);
});

test('two projects may have the same Namespace in their manifests', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [namespaceOf('storm')], { ref: other });
  const applied = await applyTo(kube, [namespaceOf('storm'), configMap('a')]);
  assert.deepEqual(applied.refused, []);
  assert.equal(partOf(kube.find('Namespace', 'storm')), applySetId(other));
});

test('who may not list is told by a write of nothing', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('shared', { k: 'theirs' })], { ref: other });
  const isList = ({ method, path }: KubeRequest) => method === 'GET' && path.endsWith('/namespaces/storm/configmaps');
  kube.failNext(isList, refusal('GET', '/', 403, 'Forbidden', 'forbidden'));
  const applied = await applyTo(kube, [configMap('shared', { k: 'ours' }), configMap('own')]);
  assert.deepEqual(
    applied.refused.map(({ failure }) => failure.kind),
    ['guard'],
  );
  assert.deepEqual(kube.find('ConfigMap', 'shared')?.['data'], { k: 'theirs' });
});

test('an apply in a namespace that it makes, and one of members alone, asks for no owners', async () => {
  const kube = new FakeKube();
  const isSearch = ({ query }: KubeRequest) => String(query?.['labelSelector']).includes('!=');
  const objects = [workload('Deployment', 'web'), configMap('a')];
  await applyTo(kube, objects);
  await applyTo(kube, objects);
  assert.deepEqual(kube.requests.filter(isSearch), []);
  await applyTo(kube, [...objects, configMap('b'), configMap('c')]);
  assert.equal(kube.requests.filter(isSearch).length, 1);
});

test('that an object is left to another environment is said once by a session', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [role('get')], { ref: prod });
  const reports: Report[] = [];
  const report = (each: Report) => void reports.push(each);
  const applier = createApplier({ kube, project: projectOf(), identity: await readIdentity(kube), report });
  const object = own(role('get'), { project: ref.name, applySetId: applySetId(ref) });
  const objects = [{ object, where: 'm.yaml:1:1' }];
  const { signal } = new AbortController();
  for (let round = 0; round < 2; round++) await applier.apply({ objects, all: objects, prune: 'all', signal });
  assert.equal(reports.filter(({ type }) => type === 'note').length, 1);
});

test('the namespace of another project is named to who may see no other, where the object is in it', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('shared', { k: 'theirs' })], { ref: other });
  kube.forbid(({ path }) => path === '/api/v1/configmaps');
  const { refused } = await applyTo(kube, [configMap('shared', { k: 'ours' })]);
  assert.match(refused[0]?.failure.message ?? '', /belongs to the project shop in the namespace storm$/);
});

test('what the cluster refuses to make as it is wanted differs from what another environment has', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [role('get')], { ref: prod });
  const isRehearsal = ({ method, query }: KubeRequest) => method === 'PATCH' && query?.['dryRun'] === 'All';
  kube.failNext(isRehearsal, refusal('PATCH', '/x', 422, 'Invalid', 'rules: Forbidden: field is immutable'));
  const { refused } = await applyTo(kube, [role('get')]);
  assert.match(refused[0]?.failure.message ?? '', /the same project in the namespace prod, and differs there$/);
});
