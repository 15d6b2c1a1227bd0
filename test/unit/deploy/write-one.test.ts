import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import { formatId } from '../../../src/objects.ts';
import type { Report } from '../../../src/events.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, configMap, statefulSet, workload } from './support.ts';

const isPatchOf = (end: string) => (request: KubeRequest) => request.method === 'PATCH' && request.path.endsWith(end);
const isDelete = ({ method }: KubeRequest) => method === 'DELETE';
const cause = { reason: 'FieldValueInvalid', field: 'spec.template', message: 'field is immutable' };
const immutable = refusal('PATCH', '/', 422, 'Invalid', 'spec.template: field is immutable', { causes: [cause] });
const forbidden = (verb: string, plural: string) =>
  refusal(verb, '/', 403, 'Forbidden', `${plural} "x" is forbidden: User "ci" cannot ${verb} resource "${plural}"`);
/** Of a later rank than the workloads. */
const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'last' } };

test('an object that is gone when its removal is asked for again is made anew', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Job', 'migrate', 'a')]);
  const job = kube.find('Job', 'migrate');
  assert.ok(job);
  kube.failNext(isPatchOf('/migrate'), immutable);
  // A first DELETE was done, its answer was cut, and this is what the second one is told.
  const isRemoved = (request: KubeRequest) => {
    if (isDelete(request)) kube.remove(job);
    return isDelete(request);
  };
  kube.failNext(isRemoved, refusal('DELETE', '/', 404, 'NotFound', 'jobs.batch "migrate" not found'));
  const applied = await applyTo(kube, [workload('Job', 'migrate', 'b'), ingress]);
  assert.deepEqual(applied.refused, []);
  assert.notEqual(kube.find('Job', 'migrate')?.metadata.uid, job.metadata.uid);
  assert.ok(kube.find('Job', 'migrate') && kube.find('Ingress', 'last'));
});

test('who may not delete what has to be made again is told so, and all ranks are written', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Job', 'migrate', 'a')]);
  kube.failNext(isPatchOf('/migrate'), immutable);
  kube.failNext(isDelete, forbidden('delete', 'jobs'));
  const applied = await applyTo(kube, [workload('Job', 'migrate', 'b'), ingress]);
  assert.match(applied.refused[0]?.failure.message ?? '', /^job\/migrate in storm is forbidden: .*delete/);
  assert.deepEqual(applied.created.map(formatId), ['ingress/last']);
});

test('who may not read what is to be compared before it is made again is told so, and all ranks are written', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [statefulSet('db')]);
  const message = 'spec: Forbidden: updates to statefulset spec for fields other than replicas are forbidden';
  kube.failNext(isPatchOf('/db'), refusal('PATCH', '/', 422, 'Invalid', message));
  kube.failNext(
    ({ method, path }) => method === 'GET' && path.endsWith('/statefulsets/db'),
    forbidden('get', 'statefulsets'),
  );
  const applied = await applyTo(kube, [statefulSet('db'), ingress]);
  assert.match(applied.refused[0]?.failure.message ?? '', /^statefulset\/db in storm is forbidden: .*get/);
  assert.deepEqual(applied.created.map(formatId), ['ingress/last']);
  assert.deepEqual(kube.requests.filter(isDelete), []);
});

const fixedPod = refusal(
  'PATCH',
  '/',
  422,
  'Invalid',
  'Pod "bare" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n  core.PodSpec{ `spec.containers[*].command` }',
  { causes: [{ reason: 'FieldValueForbidden', field: 'spec', message: 'Forbidden: pod updates may not change …' }] },
);
const pod = (main: object, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'bare' },
  spec: { containers: [{ name: 'main', ...main }], ...spec },
});
const changesOfPods = [
  [pod({ image: 'b', command: ['y'] }, { activeDeadlineSeconds: 5 }), 'spec.containers[main].command'],
  [
    pod(
      { image: 'b', command: ['y'] },
      { terminationGracePeriodSeconds: 1, hostname: 'h', tolerations: [{ key: 'k' }] },
    ),
    'spec.containers[main].command, spec.hostname',
  ],
  [pod({ image: 'b', command: ['x'] }, { terminationGracePeriodSeconds: 1 }), 'spec.terminationGracePeriodSeconds'],
  [pod({ image: 'b', imagePullPolicy: 'Never', command: ['x'] }), 'spec.containers[main].imagePullPolicy'],
] as const;

for (const [changed, fields] of changesOfPods)
  test(`a Pod that is made again is told by ${fields}`, async () => {
    const kube = new FakeKube();
    await applyTo(kube, [pod({ image: 'a', command: ['x'] })]);
    kube.failNext(isPatchOf('/bare'), fixedPod);
    const reports: Report[] = [];
    const { replaced } = await applyTo(kube, [changed], { reports });
    assert.deepEqual(replaced.map(formatId), ['pod/bare']);
    assert.deepEqual(
      reports.flatMap((report) => (report.type === 'warning' ? [report.text] : [])),
      [`pod/bare is deleted and made again, since ${fields} can be set only at creation: its containers start anew`],
    );
  });

test('a Pod that may not be read is made again, in the words of the server', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [pod({ image: 'a', command: ['x'] })]);
  kube.failNext(isPatchOf('/bare'), fixedPod);
  kube.failNext(({ method, path }) => method === 'GET' && path.endsWith('/pods/bare'), forbidden('get', 'pods'));
  const reports: Report[] = [];
  const { replaced } = await applyTo(kube, [pod({ image: 'a', command: ['y'] })], { reports });
  assert.deepEqual(replaced.map(formatId), ['pod/bare']);
  assert.ok(reports.some((report) => report.type === 'warning' && report.text.includes('since spec can be set only')));
});

test('what is refused is looked for in the files by the fields that are named, and nothing that is taken', async () => {
  const kube = new FakeKube();
  const asked: (readonly string[])[] = [];
  const pinpoint = async (fields: readonly string[]) => {
    asked.push(fields);
    return `k8s/web.yaml:${asked.length}:1`;
  };
  await applyTo(kube, [configMap('a')], { pinpoint });
  assert.equal(asked.length, 0);
  const invalid = refusal('PATCH', '/', 422, 'Invalid', 'bad', {
    causes: [{ field: 'spec.replicas', message: 'bad' }],
  });
  kube.failNext(isPatchOf('/web'), invalid);
  const unknown = { apiVersion: 'foo/v1', kind: 'Wonder', metadata: { name: 'w' } };
  const held = { ...configMap('b', { k: '1' }), metadata: { name: 'b', namespace: 'storm' } };
  kube.put(held, 'operator');
  const objects = [workload('Deployment', 'web'), unknown, configMap('b', { k: '2' })];
  const { refused } = await applyTo(kube, objects, { all: [], prune: 'nothing', pinpoint });
  assert.deepEqual(asked.map((fields) => fields.join()).sort(), ['', '.data.k', 'spec.replicas']);
  assert.deepEqual(
    refused.map(({ failure }) => failure.where).sort(),
    [1, 2, 3].map((n) => `k8s/web.yaml:${n}:1`),
  );
});

const isTakeOver = ({ method, contentType }: KubeRequest) =>
  method === 'PATCH' && contentType === 'application/merge-patch+json';
const modified = refusal('PATCH', '/', 409, 'Conflict', 'the object has been modified');

test('an object that is written to while it is taken over is taken over all the same', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  kube.put(configMap('a', { k: '1', left: 'out' }, 'storm'), 'skaffold');
  kube.failNext(isTakeOver, modified, 3);
  const applied = await applyTo(kube, [configMap('a', { k: '2' })]);
  assert.deepEqual(applied.refused, []);
  assert.deepEqual(kube.find('ConfigMap', 'a')?.['data'], { k: '2' });
});

test('one that is written to each time is refused, and all ranks are written', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  kube.put(configMap('a', { k: '1' }, 'storm'), 'skaffold');
  kube.failNext(isTakeOver, modified, 1000);
  const applied = await applyTo(kube, [configMap('a', { k: '2' }), ingress]);
  assert.match(
    applied.refused[0]?.failure.message ?? '',
    /^configmap\/a in storm(: .data.k is held by skaffold| could not be written)/,
  );
  assert.deepEqual(applied.created.map(formatId), ['ingress/last']);
});
