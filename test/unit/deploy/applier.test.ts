import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { createApplier } from '../../../src/deploy/applier.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import { formatId } from '../../../src/objects.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, projectOf, ref, statefulSet, workload } from './support.ts';

const isPatchOf = (end: string) => (request: KubeRequest) => request.method === 'PATCH' && request.path.endsWith(end);
const inventoryOf = (kube: FakeKube) => kube.find('ConfigMap', 'stormctl-storm', 'storm');
const kindsOf = (kube: FakeKube) =>
  inventoryOf(kube)?.metadata.annotations?.['applyset.kubernetes.io/contains-group-kinds'];

test('the namespace is made when absent, and an object that names none goes there', async () => {
  const kube = new FakeKube();
  const applied = await applyTo(kube, [configMap('a'), configMap('b', {}, 'default')]);
  assert.deepEqual(applied.created.map(({ namespace }) => namespace).toSorted(), ['default', 'storm']);
  assert.equal(kube.find('Namespace', 'storm')?.metadata.labels?.['stormctl.dev/created-for'], 'storm');
});

test('a namespace that was there is not marked as made by stormctl', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [configMap('a')]);
  assert.equal(kube.find('Namespace', 'storm')?.metadata.labels, undefined);
});

test('a cluster-scoped kind gets no namespace', async () => {
  const kube = new FakeKube();
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'r' }, rules: [] };
  const applied = await applyTo(kube, [role]);
  assert.equal(applied.created[0]?.namespace, undefined);
  assert.equal(kube.find('ClusterRole', 'r')?.metadata.namespace, undefined);
});

test('the inventory is written in the ApplySet format before the first object', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web'), configMap('a', {}, 'default')]);
  const patches = kube.requests.filter(({ method }) => method === 'PATCH').map(({ path }) => path);
  assert.equal(patches[0], '/api/v1/namespaces/storm/configmaps/stormctl-storm');
  assert.deepEqual(inventoryOf(kube)?.metadata.labels?.['applyset.kubernetes.io/id'], applySetId(ref));
  assert.deepEqual(inventoryOf(kube)?.metadata.annotations, {
    'applyset.kubernetes.io/tooling': 'stormctl/v1',
    'applyset.kubernetes.io/contains-group-kinds': 'ConfigMap,Deployment.apps',
    'applyset.kubernetes.io/additional-namespaces': 'default',
  });
});

test('the id is the hash that the ApplySet specification asks for', () => {
  // printf 'stormctl-storm.storm.ConfigMap.' | openssl dgst -sha256 -binary | base64 | tr +/ -_ | tr -d =
  assert.equal(applySetId(ref), 'applyset-yeBw-9GcpRYPbXZLNQD9PZksI2wJ5m8JSfp2sbZK8L0-v1');
});

test('a second apply of the same changes no resourceVersion and says so', async () => {
  const kube = new FakeKube();
  const objects = [workload('Deployment', 'web'), configMap('a', { k: 'v' })];
  await applyTo(kube, objects);
  const before = kube.all().map(({ metadata }) => metadata.resourceVersion);
  const again = await applyTo(kube, objects);
  assert.deepEqual(
    kube.all().map(({ metadata }) => metadata.resourceVersion),
    before,
  );
  assert.equal(again.unchanged, 2);
  assert.deepEqual([...again.created, ...again.changed], []);
});

test('a status that a controller wrote in between is no change', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web')]);
  const isList = ({ method, path }: KubeRequest) => method === 'PATCH' && path.endsWith('/deployments/web');
  let release = () => {};
  kube.hold(isList, new Promise((resolve) => (release = resolve)));
  const applying = applyTo(kube, [workload('Deployment', 'web')]);
  kube.setStatus({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' }, { replicas: 1 });
  release();
  assert.equal((await applying).unchanged, 1);
});

test('created, changed and unchanged objects are told apart and reported', async () => {
  const kube = new FakeKube();
  const reports: Report[] = [];
  await applyTo(kube, [configMap('same', { k: '1' }), configMap('other', { k: '1' })]);
  kube.put(configMap('theirs', { k: '1' }, 'storm'));
  await applyTo(
    kube,
    [configMap('same', { k: '1' }), configMap('other', { k: '2' }), configMap('new'), configMap('theirs', { k: '2' })],
    { reports },
  );
  const [report] = reports;
  assert.ok(report?.type === 'deploy.applied');
  assert.deepEqual(report.created.map(formatId), ['configmap/new']);
  assert.deepEqual(report.changed.map(formatId).toSorted(), ['configmap/other', 'configmap/theirs']);
  assert.equal(report.unchanged, 1);
});

test('objects are written by rank: namespaces and CRDs, then what pods need, then workloads, then the rest', async () => {
  const kube = new FakeKube();
  const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'i' } };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } };
  await applyTo(kube, [ingress, workload('Deployment', 'web'), configMap('a', {}, 'other'), namespace]);
  const order = kube.requests.filter(({ method }) => method === 'PATCH').map(({ path }) => path.split('/').at(-1));
  assert.deepEqual(order, ['stormctl-storm', 'other', 'a', 'web', 'i']);
});

const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Thing', plural: 'things' },
    versions: [{ name: 'v1' }],
  },
};
const thing = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 't' }, spec: { big: true } };

test('objects of a kind that the project defines wait until its definition is served', async () => {
  const kube = new FakeKube();
  const applying = applyTo(kube, [thing, crd]);
  while (kube.watching === 0) await new Promise(setImmediate);
  assert.equal(kube.find('Thing', 't'), undefined);
  const id = { apiVersion: crd.apiVersion, kind: crd.kind, name: crd.metadata.name };
  kube.setStatus(id, { conditions: [{ type: 'Established', status: 'True' }] });
  const applied = await applying;
  assert.deepEqual(applied.created.map(formatId), ['customresourcedefinition/things.example.com', 'thing/t']);
  assert.equal(kube.find('Thing', 't')?.metadata.namespace, 'storm');
});

test('an object of an unknown kind is refused by name, and the others are written', async () => {
  const kube = new FakeKube();
  const applied = await applyTo(kube, [thing, configMap('a')]);
  assert.deepEqual(applied.created.map(formatId), ['configmap/a']);
  const [refused] = applied.refused;
  assert.equal(refused?.failure.kind, 'usage');
  assert.match(refused.failure.message, /no kind Thing in example\.com\/v1/);
  assert.equal(refused.failure.where, 'm.yaml:1:1');
});

test('what the server refuses is told with its field, and does not hold up the others', async () => {
  const kube = new FakeKube();
  const causes = [
    { reason: 'FieldValueInvalid', message: 'Invalid value: 99999: must be between', field: 'spec.ports[0].port' },
  ];
  kube.failNext(isPatchOf('/bad'), refusal('PATCH', '/x', 422, 'Invalid', 'ConfigMap "bad" is invalid', { causes }));
  const applied = await applyTo(kube, [configMap('bad'), configMap('good')]);
  assert.deepEqual(applied.objects.map(formatId), ['configmap/good']);
  const failure = applied.refused[0]?.failure;
  assert.equal(failure?.kind, 'usage');
  assert.match(failure.message, /configmap\/bad in storm is refused: spec\.ports\[0\]\.port: Invalid value: 99999/);
});

test('a value of the wrong type, which the server answers with 500, is the manifest’s fault and not tried again', async () => {
  const kube = new FakeKube();
  const words = 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dat: field not declared in schema';
  kube.failNext(isPatchOf('/a'), refusal('PATCH', '/x', 500, '', words));
  const applied = await applyTo(kube, [configMap('a')]);
  assert.equal(applied.refused[0]?.failure.kind, 'usage');
  assert.match(applied.refused[0].failure.message, /refused: dat: field not declared in schema/);
});

test('a change of an immutable field says which one and how to go on', async () => {
  const kube = new FakeKube();
  const words = 'Job.batch "j" is invalid: spec.template: Invalid value: core.PodTemplateSpec{…}: field is immutable';
  const details = { causes: [{ field: 'spec.template', message: 'Invalid value: core.PodTemplateSpec{…}' }] };
  kube.failNext(isPatchOf('/j'), refusal('PATCH', '/x', 422, 'Invalid', words, details));
  const applied = await applyTo(kube, [workload('Job', 'j')]);
  const failure = applied.refused[0]?.failure;
  assert.match(failure?.message ?? '', /spec\.template can be set only at creation/);
  assert.equal(failure?.next, 'kubectl delete job j -n storm, then deploy again');
});

test('missing rights and admission rules are not the manifest’s fault', async () => {
  const kube = new FakeKube();
  kube.failNext(isPatchOf('/a'), refusal('PATCH', '/x', 403, 'Forbidden', 'User "u" cannot patch'));
  kube.failNext(
    isPatchOf('/b'),
    refusal('PATCH', '/x', 400, 'BadRequest', 'admission webhook "w" denied the request: no'),
  );
  const applied = await applyTo(kube, [configMap('a'), configMap('b')]);
  assert.deepEqual(
    applied.refused.map(({ failure }) => failure.kind),
    ['unreachable', 'unreachable'],
  );
});

test('a server that is too busy or broken for a moment is asked again', async () => {
  const kube = new FakeKube();
  kube.failNext(isPatchOf('/a'), refusal('PATCH', '/x', 429, 'TooManyRequests', 'slow down'));
  kube.failNext(isPatchOf('/a'), refusal('PATCH', '/x', 500, 'InternalError', 'etcd leader changed'));
  const applied = await applyTo(kube, [configMap('a')]);
  assert.deepEqual(applied.created.map(formatId), ['configmap/a']);
});

test('a cluster that goes away in the middle ends the apply, and the next one writes the rest', async () => {
  const kube = new FakeKube();
  const gone = new Failure('unreachable', 'connection refused');
  kube.failNext(isPatchOf('/web'), gone);
  const objects = [configMap('a'), workload('Deployment', 'web')];
  await assert.rejects(applyTo(kube, objects), gone);
  assert.match(kindsOf(kube) ?? '', /Deployment\.apps/);
  const again = await applyTo(kube, objects);
  assert.deepEqual(again.created.map(formatId), ['deployment/web']);
  assert.equal(again.unchanged, 1);
});

test('an abort before the first object leaves only the inventory, which has room for them all', async () => {
  const kube = new FakeKube();
  const abort = new AbortController();
  let release = () => {};
  const isRead = ({ method, path }: KubeRequest) => method === 'GET' && path.endsWith('/configmaps/a');
  kube.hold(isRead, new Promise((resolve) => (release = resolve)));
  const applying = applyTo(kube, [configMap('a')], { signal: abort.signal });
  while (!kube.requests.some(isRead)) await new Promise(setImmediate);
  abort.abort();
  release();
  await assert.rejects(applying, { name: 'AbortError' });
  assert.equal(kube.find('ConfigMap', 'a'), undefined);
  assert.equal(kindsOf(kube), 'ConfigMap');
});

test('an abort after the first object writes all the others, and is thrown then', async () => {
  const kube = new FakeKube();
  const abort = new AbortController();
  let release = () => {};
  kube.hold(isPatchOf('/a'), new Promise((resolve) => (release = resolve)));
  const applying = applyTo(kube, [configMap('a'), workload('Deployment', 'web')], { signal: abort.signal });
  while (!kube.requests.some(isPatchOf('/a'))) await new Promise(setImmediate);
  abort.abort();
  release();
  await assert.rejects(applying, { name: 'AbortError' });
  assert.ok(kube.find('Deployment', 'web'));
});

test('nothing is written to a cluster that took the place of the first one', async () => {
  const kube = new FakeKube();
  const identity = await readIdentity(kube);
  const applier = createApplier({
    kube,
    project: projectOf(),
    identity: { ...identity, uid: 'old' },
    report: () => {},
  });
  const applying = applier.apply({ objects: [], all: [], prune: true, signal: new AbortController().signal });
  await assert.rejects(applying, { name: 'Failure', kind: 'guard' });
  assert.ok(kube.requests.every(({ method }) => method === 'GET'));
});

test('a ConfigMap of somebody else that has the inventory’s name is not taken', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  kube.put(configMap('stormctl-storm', { theirs: 'yes' }, 'storm'));
  await assert.rejects(applyTo(kube, [configMap('a')]), { name: 'Failure', kind: 'guard' });
  assert.equal(kube.find('ConfigMap', 'a'), undefined);
});

test('two manifests that turn out to be the same object are refused before anything is written', async () => {
  const kube = new FakeKube();
  const twice = [configMap('a'), configMap('a', {}, 'storm')];
  await assert.rejects(applyTo(kube, twice), { kind: 'usage', message: /m\.yaml:1:1 and m\.yaml:2:1/ });
  assert.equal(kube.requests.filter(({ method }) => method !== 'GET').length, 0);
});

test('the values of stringData are written as data', async () => {
  const kube = new FakeKube();
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    stringData: { a: 'b' },
    data: { c: 'ZA==' },
  };
  await applyTo(kube, [secret]);
  assert.deepEqual(kube.find('Secret', 's')?.['data'], { a: 'Yg==', c: 'ZA==' });
});

test('members that the project has no longer are removed, and the inventory is narrowed', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), workload('Deployment', 'web'), configMap('far', {}, 'default')]);
  const applied = await applyTo(kube, [configMap('a')]);
  assert.deepEqual(applied.pruned.map(formatId).toSorted(), ['configmap/far', 'deployment/web']);
  assert.equal(kube.find('Deployment', 'web'), undefined);
  assert.equal(kindsOf(kube), 'ConfigMap');
  assert.equal(inventoryOf(kube)?.metadata.annotations?.['applyset.kubernetes.io/additional-namespaces'], '');
});

test('nothing is removed that is not a member, or that a controller owns', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a')]);
  const labels = { 'applyset.kubernetes.io/part-of': applySetId(ref) };
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Endpoints', name: 'e', uid: 'u', controller: true }];
  kube.put({ ...configMap('copied'), metadata: { name: 'copied', namespace: 'storm', labels, ownerReferences } });
  kube.put(configMap('theirs', {}, 'storm'));
  assert.deepEqual((await applyTo(kube, [configMap('a')])).pruned, []);
});

test('nothing is removed while an object is refused', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('old')]);
  kube.failNext(isPatchOf('/new'), refusal('PATCH', '/x', 422, 'Invalid', 'no'));
  const applied = await applyTo(kube, [configMap('new')]);
  assert.deepEqual(applied.pruned, []);
  assert.ok(kube.find('ConfigMap', 'old'));
});

test('an object that was made anew under the name of a member is not removed', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), configMap('b')]);
  let release = () => {};
  const isDelete = ({ method }: KubeRequest) => method === 'DELETE';
  kube.hold(isDelete, new Promise((resolve) => (release = resolve)));
  const applying = applyTo(kube, [configMap('a')]);
  while (!kube.requests.some(isDelete)) await new Promise(setImmediate);
  kube.remove(configMap('b', {}, 'storm'));
  kube.put(configMap('b', { made: 'anew' }, 'storm'));
  release();
  await applying;
  assert.deepEqual(kube.find('ConfigMap', 'b')?.['data'], { made: 'anew' });
});

test('claims outlive the StatefulSet that is pruned, are said to be kept once, and stay in the inventory', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), statefulSet('pg')]);
  kube.put(claim('data-pg-0', 'pg'));
  const reports: Report[] = [];
  const applied = await applyTo(kube, [configMap('a')], { reports });
  assert.deepEqual(applied.pruned.map(formatId), ['statefulset/pg']);
  assert.deepEqual(
    reports.flatMap((report) => (report.type === 'deploy.kept' ? [formatId(report.object)] : [])),
    ['persistentvolumeclaim/data-pg-0'],
  );
  assert.equal(kindsOf(kube), 'ConfigMap,PersistentVolumeClaim');
  const back = await applyTo(kube, [configMap('a'), statefulSet('pg')]);
  assert.deepEqual(back.kept, []);
});

test('PersistentVolumeClaims, namespaces and CRDs are never pruned', async () => {
  const kube = new FakeKube();
  const pvc: KubeObject = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'files' }, spec: {} };
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'extra' } };
  await applyTo(kube, [pvc, namespace]);
  const applied = await applyTo(kube, []);
  assert.deepEqual(applied.kept.map(({ id }) => formatId(id)).toSorted(), [
    'namespace/extra',
    'persistentvolumeclaim/files',
  ]);
  assert.ok(kube.find('PersistentVolumeClaim', 'files'));
  assert.ok(kube.find('Namespace', 'extra'));
});

test('an apply that has nothing to do reports nothing', async () => {
  const kube = new FakeKube();
  const reports: Report[] = [];
  await applyTo(kube, [configMap('a')]);
  await applyTo(kube, [], { all: [configMap('a')], reports });
  assert.deepEqual(reports, []);
});
