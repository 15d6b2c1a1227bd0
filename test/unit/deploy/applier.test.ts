import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { AppliedMemory } from '../../../src/deploy/applied-memory.ts';
import { createApplier } from '../../../src/deploy/applier.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import { formatId, type KubeObject } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, projectOf, ref, statefulSet, workload } from './support.ts';
import { until } from '../../support/until.ts';

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
  kube.put(configMap('theirs', { k: '1' }, 'storm'), 'kubectl-create');
  await applyTo(
    kube,
    [configMap('same', { k: '1' }), configMap('other', { k: '2' }), configMap('new'), configMap('theirs', { k: '2' })],
    { reports },
  );
  const report = reports.findLast(({ type }) => type === 'deploy.applied');
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
  await until(() => kube.watching > 0);
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
    ['refused', 'refused'],
  );
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

test('an abort while the inventory is written writes no object', async () => {
  const kube = new FakeKube();
  const abort = new AbortController();
  let release = () => {};
  const isInventory = isPatchOf('/stormctl-storm');
  kube.hold(isInventory, new Promise((resolve) => (release = resolve)));
  const applying = applyTo(kube, [configMap('a')], { signal: abort.signal });
  await until(() => kube.requests.some(isInventory));
  abort.abort();
  release();
  await assert.rejects(applying, { name: 'AbortError' });
  assert.equal(kube.find('ConfigMap', 'a'), undefined);
});

test('an abort after the first object writes all the others, and is thrown then', async () => {
  const kube = new FakeKube();
  const abort = new AbortController();
  let release = () => {};
  kube.hold(isPatchOf('/a'), new Promise((resolve) => (release = resolve)));
  const applying = applyTo(kube, [configMap('a'), workload('Deployment', 'web')], { signal: abort.signal });
  await until(() => kube.requests.some(isPatchOf('/a')));
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
  const applying = applier.apply({ objects: [], all: [], prune: 'all', signal: new AbortController().signal });
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
  await until(() => kube.requests.some(isDelete));
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

test('an apply that has nothing to do reports nothing', async () => {
  const kube = new FakeKube();
  const reports: Report[] = [];
  await applyTo(kube, [configMap('a')]);
  await applyTo(kube, [], { all: [configMap('a')], reports });
  assert.deepEqual(reports, []);
});

async function memoryIn(folder: string): Promise<AppliedMemory> {
  return AppliedMemory.open(join(folder, '.stormctl', 'applied.json'));
}

test('what is as it was applied is not sent again, also by the next process', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
  context.after(() => rm(folder, { recursive: true }));
  const kube = new FakeKube();
  const objects = [workload('Deployment', 'web'), configMap('a', { k: 'v' })];
  await applyTo(kube, objects, { memory: await memoryIn(folder) });
  kube.setStatus({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' }, { replicas: 1 });
  const sent = kube.requests.length;
  const again = await applyTo(kube, objects, { memory: await memoryIn(folder) });
  assert.equal(again.unchanged, 2);
  assert.deepEqual(
    kube.requests.slice(sent).filter(({ method }) => method !== 'GET'),
    [],
  );
});

test('a field of ours that somebody changed, and an object that was deleted, are sent again', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
  context.after(() => rm(folder, { recursive: true }));
  const kube = new FakeKube();
  const objects = ['same', 'changed', 'gone', 'anew'].map((name) => configMap(name, { k: 'v' }));
  const memory = await memoryIn(folder);
  await applyTo(kube, objects, { memory });
  const { changed, gone, anew } = Object.fromEntries(kube.all('ConfigMap').map((each) => [each.metadata.name, each]));
  assert.ok(changed && gone && anew);
  kube.put({ ...changed, data: { k: 'drift' } }, 'kubectl-client-side-apply');
  kube.remove(gone);
  kube.remove(anew);
  const { uid: _, ...metadata } = anew.metadata;
  kube.put({ ...anew, metadata });
  const again = await applyTo(kube, objects, { memory });
  assert.deepEqual(again.created.map(formatId), ['configmap/gone']);
  assert.deepEqual(kube.find('ConfigMap', 'changed')?.['data'], { k: 'v' });
  assert.equal(again.unchanged, 2);
});

test('another manifest is sent, and a memory that is broken sends everything', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
  context.after(() => rm(folder, { recursive: true }));
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a', { k: '1' })], { memory: await memoryIn(folder) });
  const next = await applyTo(kube, [configMap('a', { k: '2' })], { memory: await memoryIn(folder) });
  assert.deepEqual(next.changed.map(formatId), ['configmap/a']);
  await writeFile(join(folder, '.stormctl', 'applied.json'), '{"half');
  const sent = kube.requests.length;
  await applyTo(kube, [configMap('a', { k: '2' })], { memory: await memoryIn(folder) });
  assert.ok(kube.requests.slice(sent).some(isPatchOf('/configmaps/a')));
});

function replicasOf(kube: FakeKube): number | undefined {
  const spec = kube.find('Deployment', 'web')?.['spec'];
  return (spec as { replicas: number } | undefined)?.replicas;
}

test('a field that somebody else holds is refused with its holder, and the others are written', async () => {
  const kube = new FakeKube();
  const objects = [workload('Deployment', 'web', 'alpine', { replicas: 1 }), configMap('a', { k: '1' })];
  await applyTo(kube, objects);
  const web = kube.find('Deployment', 'web');
  assert.ok(web);
  kube.put({ ...web, spec: { ...(web['spec'] as object), replicas: 3 } }, 'kubectl-scale');
  const applied = await applyTo(kube, objects);
  const [refused] = applied.refused;
  assert.equal(refused?.failure.message, 'deployment/web in storm: .spec.replicas is held by kubectl-scale');
  assert.equal(refused.failure.kind, 'refused');
  assert.match(refused.failure.next ?? '', /--force-conflicts/);
  assert.match(refused.failure.detail ?? '', /^the object is left as it is/);
  assert.equal(applied.unchanged, 1);
  assert.equal(replicasOf(kube), 3);
  const forced = await applyTo(kube, objects, { forceConflicts: true });
  assert.deepEqual(forced.changed.map(formatId), ['deployment/web']);
  assert.equal(replicasOf(kube), 1);
});

test('a field that somebody else holds with the same value is no conflict', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  kube.put(configMap('a', { k: '1' }, 'storm'), 'argocd');
  const applied = await applyTo(kube, [configMap('a', { k: '1' })]);
  assert.deepEqual(applied.refused, []);
});

test('what kubectl apply wrote is taken over at the first apply, and said', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const reports: Report[] = [];
  kube.put(configMap('a', { k: '1', left: 'out' }, 'storm'), 'kubectl-client-side-apply');
  const applied = await applyTo(kube, [configMap('a', { k: '2' })], { reports });
  assert.deepEqual(applied.changed.map(formatId), ['configmap/a']);
  assert.deepEqual(kube.find('ConfigMap', 'a')?.['data'], { k: '2' });
  assert.ok(reports.some((report) => report.type === 'note' && /kubectl-client-side-apply/.test(report.text)));
});

test('a Job whose template changed is deleted, awaited and made again, and that is said before', async () => {
  const kube = new FakeKube();
  const reports: Report[] = [];
  await applyTo(kube, [workload('Job', 'migrate', 'a')]);
  const before = kube.find('Job', 'migrate')?.metadata.uid;
  const cause = { reason: 'FieldValueInvalid', field: 'spec.template', message: 'field is immutable' };
  const error = refusal('PATCH', '/', 422, 'Invalid', 'spec.template: field is immutable', { causes: [cause] });
  kube.failNext(isPatchOf('/migrate'), error);
  const applied = await applyTo(kube, [workload('Job', 'migrate', 'b')], { reports });
  assert.deepEqual(applied.changed.map(formatId), ['job/migrate']);
  assert.deepEqual(applied.replaced.map(formatId), ['job/migrate']);
  assert.notEqual(kube.find('Job', 'migrate')?.metadata.uid, before);
  const [first] = reports;
  assert.ok(first?.type === 'warning');
  assert.equal(
    first.text,
    'job/migrate is deleted and made again, since spec.template can be set only at creation: it runs again',
  );
});

test('an immutable ConfigMap that is replaced says that its node keeps the old values, and what to do', async () => {
  const kube = new FakeKube();
  const reports: Report[] = [];
  await applyTo(kube, [configMap('settings', { word: 'one' })]);
  const cause = { reason: 'FieldValueForbidden', field: 'data', message: 'field is immutable when `immutable` is set' };
  const error = refusal('PATCH', '/', 422, 'Invalid', 'data: field is immutable', { causes: [cause] });
  kube.failNext(isPatchOf('/settings'), error);
  await applyTo(kube, [configMap('settings', { word: 'two' })], { reports });
  const [first] = reports;
  assert.ok(first?.type === 'warning');
  assert.match(first.text, /: a node gives new pods the old values as long as one that uses it runs there$/);
  assert.match(first.next ?? '', /another name with each change/);
});

test('a StatefulSet is replaced with its pods and claims left alone, unless its pods would be nobody’s', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [statefulSet('db')]);
  const message = 'spec: Forbidden: updates to statefulset spec for fields other than replicas are forbidden';
  const error = refusal('PATCH', '/', 422, 'Invalid', message);
  kube.failNext(isPatchOf('/db'), error);
  const applied = await applyTo(kube, [statefulSet('db')]);
  const removal = kube.requests.find(({ method }) => method === 'DELETE');
  assert.ok(removal);
  assert.equal((removal.body as { propagationPolicy: string }).propagationPolicy, 'Orphan');
  assert.deepEqual(applied.refused, []);
  kube.failNext(isPatchOf('/db'), error);
  const other = statefulSet('db');
  const spec = { ...(other['spec'] as object), selector: { matchLabels: { app: 'other' } } };
  const refused = await applyTo(kube, [{ ...other, spec }]);
  assert.match(refused.refused[0]?.failure.message ?? '', /can't be changed in place/);
});

const frozenSpec = 'spec: Forbidden: updates to statefulset spec for fields other than replicas are forbidden';

/** A StatefulSet `db` with these templates, and with the claims of two that it had before. */
async function withClaims(kube: FakeKube): Promise<void> {
  await applyTo(kube, [templated('data', 'logs')]);
  for (const name of ['data-db-0', 'data-db-1', 'logs-db-0']) kube.put(claim(name, 'db'));
  kube.put(claim('data-db-backup', 'db'));
  kube.put(claim('data-db-2', 'other'));
  const theirs = claim('data-db-3', 'db');
  kube.put({
    ...theirs,
    metadata: { ...theirs.metadata, labels: { app: 'db', 'applyset.kubernetes.io/part-of': 'another' } },
  });
  kube.failNext(isPatchOf('/db'), refusal('PATCH', '/', 422, 'Invalid', frozenSpec));
}

function templated(...names: readonly string[]): KubeObject {
  const volumeClaimTemplates = names.map((name) => ({ metadata: { name }, spec: {} }));
  return workload('StatefulSet', 'db', 'postgres', { serviceName: 'db', volumeClaimTemplates });
}

test('claims of templates that leave a StatefulSet are kept, said, and stay in the inventory', async () => {
  const kube = new FakeKube();
  await withClaims(kube);
  const reports: Report[] = [];
  const applied = await applyTo(kube, [templated('logs')], { reports });
  assert.deepEqual(applied.kept.map(({ id }) => formatId(id)).toSorted(), [
    'persistentvolumeclaim/data-db-0',
    'persistentvolumeclaim/data-db-1',
  ]);
  assert.equal(reports.filter(({ type }) => type === 'deploy.kept').length, 2);
  assert.equal(kindsOf(kube), 'PersistentVolumeClaim,StatefulSet.apps');
  const logs = kube.find('PersistentVolumeClaim', 'logs-db-0');
  assert.deepEqual(logs?.metadata.labels, { app: 'db' }, 'its template is still there');
  const { pruned } = await applyTo(kube, [templated('logs')], { prunes: { volumes: true } });
  assert.deepEqual(pruned.map(formatId).toSorted(), [
    'persistentvolumeclaim/data-db-0',
    'persistentvolumeclaim/data-db-1',
  ]);
  assert.deepEqual(
    kube.all('PersistentVolumeClaim').map(({ metadata }) => metadata.name),
    ['logs-db-0', 'data-db-backup', 'data-db-2', 'data-db-3'],
  );
});

const policyOf = (kube: FakeKube) =>
  kube.requests.flatMap(({ method, path, body }) =>
    method === 'DELETE' && path.endsWith('/db') ? [(body as { propagationPolicy: string }).propagationPolicy] : [],
  );

test('pods that lack a claim of a new template are not taken over: no controller could give it to them', async () => {
  const kube = new FakeKube();
  await withClaims(kube);
  const reports: Report[] = [];
  await applyTo(kube, [templated('data', 'cache')], { reports });
  assert.deepEqual(policyOf(kube), ['Foreground']);
  const [warning] = reports;
  assert.ok(warning?.type === 'warning');
  assert.match(
    warning.text,
    /: its pods, which lack a new claim, are replaced all at once, and its claims stay as they are$/,
  );
});

test('a StatefulSet that deletes its claims with itself is replaced without what it owns', async () => {
  const kube = new FakeKube();
  await withClaims(kube);
  const live = kube.find('StatefulSet', 'db');
  assert.ok(live);
  const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete' };
  kube.put({ ...live, spec: { ...(live['spec'] as object), persistentVolumeClaimRetentionPolicy } });
  const reports: Report[] = [];
  await applyTo(kube, [templated('data', 'cache')], { reports });
  assert.deepEqual(policyOf(kube), ['Orphan']);
  const [warning] = reports;
  assert.match(warning?.type === 'warning' ? warning.text : '', /lack a new claim, are replaced one by one/);
});

test('a StatefulSet whose claims may not know yet that they outlive it is replaced without what it owns', async () => {
  const kube = new FakeKube();
  await withClaims(kube);
  const live = kube.find('StatefulSet', 'db') ?? assert.fail();
  kube.put({
    ...live,
    spec: { ...(live['spec'] as object), persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain' } },
    status: { observedGeneration: 0 },
  });
  await applyTo(kube, [templated('data', 'cache')]);
  assert.deepEqual(policyOf(kube), ['Orphan']);
});

test('a StatefulSet that has gone by the time it is to be replaced is made anew', async () => {
  const kube = new FakeKube();
  await withClaims(kube);
  const isRead = ({ method, path }: KubeRequest) => method === 'GET' && path.endsWith('/statefulsets/db');
  kube.failNext(isRead, refusal('GET', '/', 404, 'NotFound', 'statefulsets.apps "db" not found'));
  const applied = await applyTo(kube, [templated('data', 'cache')]);
  assert.deepEqual([applied.refused, policyOf(kube)], [[], []]);
});

test('claims that a StatefulSet leaves behind stay in the inventory though something is refused', async () => {
  const kube = new FakeKube();
  await withClaims(kube);
  kube.failNext(isPatchOf('/bad'), refusal('PATCH', '/', 403, 'Forbidden', 'no'));
  const applied = await applyTo(kube, [templated('logs'), configMap('bad')]);
  assert.equal(applied.refused.length, 1);
  assert.equal(kindsOf(kube), 'PersistentVolumeClaim,StatefulSet.apps');
});

test('a StatefulSet whose claims may not be marked is left as it is', async () => {
  const kube = new FakeKube();
  await withClaims(kube);
  kube.forbid(({ method, path }) => method === 'PATCH' && path.endsWith('/data-db-0'));
  const applied = await applyTo(kube, [templated('logs')]);
  assert.equal(applied.refused.length, 1);
  assert.equal(
    kube.requests.some(({ method }) => method === 'DELETE'),
    false,
  );
});

test('a claim, and an object that is no member yet, are not replaced', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const error = refusal('PATCH', '/', 422, 'Invalid', 'spec: field is immutable');
  kube.put({ ...workload('Job', 'theirs'), metadata: { name: 'theirs', namespace: 'storm' } });
  await applyTo(kube, [claim('data', 'db')]);
  kube.failNext(isPatchOf('/data'), error);
  kube.failNext(isPatchOf('/theirs'), error);
  const applied = await applyTo(kube, [claim('data', 'db'), workload('Job', 'theirs')]);
  assert.equal(applied.refused.length, 2);
  assert.deepEqual(
    kube.requests.filter(({ method }) => method === 'DELETE'),
    [],
  );
});
