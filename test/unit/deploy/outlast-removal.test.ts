import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppliedMemory } from '../../../src/deploy/applied-memory.ts';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { createApplier } from '../../../src/deploy/applier.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { outlastRemoval } from '../../../src/deploy/outlast-removal.ts';
import type { Report } from '../../../src/events.ts';
import { own } from '../../../src/manifests/own.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import { formatId, idOf } from '../../../src/objects.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { until } from '../../support/until.ts';
import { applyTo, configMap, namespaceOf, projectOf, ref, workload } from './support.ts';

/** As the garbage collector holds an object whose pods are still there. */
async function leave(kube: FakeKube, object: KubeObject): Promise<KubeObject> {
  const finalizers = ['foregroundDeletion'];
  const held = kube.put({ ...object, metadata: { ...object.metadata, finalizers } });
  await kube.request({ method: 'DELETE', path: kube.pathOf(held) });
  return kube.get(held) ?? held;
}

test('what is on its way out when it is applied is waited for, which is said, and made again', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const objects = [workload('Deployment', 'web'), configMap('config')];
  await applyTo(kube, objects);
  const going = await leave(kube, kube.all('Deployment')[0] ?? assert.fail());
  const reports: Report[] = [];
  const push = reports.push.bind(reports);
  reports.push = (...said) => {
    if (said.some(({ type }) => type === 'deploy.waiting')) setImmediate(() => kube.remove(going));
    return push(...said);
  };
  const applied = await applyTo(kube, objects, { reports });
  assert.deepEqual(applied.changed.map(formatId), ['deployment/web']);
  const waits = reports.flatMap((report) => (report.type === 'deploy.waiting' ? [report.because] : []));
  assert.deepEqual(waits, ['it is being deleted, and what it owns is still there']);
  const [made] = kube.all('Deployment');
  assert.notEqual(made?.metadata.uid, going.metadata.uid);
  assert.equal(made?.metadata.deletionTimestamp, undefined);
});

test('what was in a namespace of the manifests that goes is written again when that is back', async (t) => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const folder = await mkdtemp(join(tmpdir(), 'stormctl-returns-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const memory = await AppliedMemory.open(join(folder, 'applied.json'));
  const objects = [namespaceOf('edge'), configMap('config', {}, 'edge'), configMap('near')];
  await applyTo(kube, objects, { memory });
  const going = await leave(kube, kube.find('Namespace', 'edge') ?? assert.fail());
  const inside = kube.find('ConfigMap', 'config') ?? assert.fail();
  const reports: Report[] = [];
  const push = reports.push.bind(reports);
  reports.push = (...said) => {
    if (said.some(({ type }) => type === 'deploy.waiting'))
      setImmediate(() => [inside, going].forEach((each) => kube.remove(each)));
    return push(...said);
  };
  const applied = await applyTo(kube, objects, { memory, reports });
  assert.deepEqual(
    [applied.replaced, applied.created].map((ids) => ids.map(formatId)),
    [['namespace/edge'], ['configmap/config']],
  );
  assert.equal(applied.unchanged, 1);
});

test('what does not go is refused after a time, with what holds it', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [configMap('config')]);
  const going = await leave(
    kube,
    kube.all('ConfigMap').find(({ metadata }) => metadata.name === 'config') ?? assert.fail(),
  );
  kube.put({ ...going, metadata: { ...going.metadata, finalizers: ['example.com/hold'] } });
  const resource = await kube.resource('v1', 'ConfigMap');
  const staying = { id: idOf(going), resource, where: 'm.yaml:1:1' };
  const { signal } = new AbortController();
  const outlasting = { report: () => {}, tellAfterMs: 0, withinMs: 1, signal };
  const refused = await outlastRemoval(kube, staying, going.metadata, outlasting);
  assert.match(
    refused?.message ?? '',
    /^configmap\/config can't be applied: .* finalizers have not run: example.com\/hold/,
  );
});

const job = (image: string) => workload('Job', 'migrate', image);
const isPatchOfJob = ({ method, path }: KubeRequest) => method === 'PATCH' && path.endsWith('/migrate');

/** A Job that a finalizer holds when it is deleted. */
async function held(): Promise<FakeKube> {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [job('app:1'), configMap('old')]);
  const live = kube.find('Job', 'migrate') ?? assert.fail();
  kube.put({ ...live, metadata: { ...live.metadata, finalizers: ['example.com/hold'] } });
  return kube;
}

const waitsOf = (reports: readonly Report[]) =>
  reports.flatMap((each) => (each.type === 'deploy.waiting' ? [`${formatId(each.object)} ${each.because}`] : []));

test('a replacement that a finalizer holds is told and refused in time, and other objects go on', async () => {
  const kube = await held();
  kube.failNext(isPatchOfJob, refusal('PATCH', '/x', 422, 'Invalid', 'spec.template: field is immutable'));
  const reports: Report[] = [];
  const objects = [job('app:2'), configMap('new'), configMap('later', {}, 'default')];
  const applied = await applyTo(kube, objects, { reports, removalMs: 20 });
  const because = 'it is being deleted, and its finalizers have not run: example.com/hold';
  assert.deepEqual(waitsOf(reports), [`job/migrate ${because}`]);
  const [refused] = applied.refused;
  assert.equal(refused?.failure.message, `job/migrate can't be applied: ${because}`);
  assert.equal(refused.failure.where, 'm.yaml:1:1');
  assert.deepEqual(applied.created.map(formatId), ['configmap/new', 'configmap/later']);
  assert.deepEqual(applied.pruned, []);
  const next: Report[] = [];
  const second = await applyTo(kube, objects, { reports: next, removalMs: 20 });
  assert.deepEqual([second.refused.length, waitsOf(next).length], [1, 1]);
  assert.ok(!next.some(({ type }) => type === 'warning' || type === 'deploy.kept'), 'it is deleted once');
  kube.remove(kube.find('Job', 'migrate') ?? assert.fail());
  const again = await applyTo(kube, objects);
  assert.deepEqual([again.refused, again.created.map(formatId)], [[], ['job/migrate']]);
});

test('who was told what an apply waits for can end the wait', async () => {
  const kube = await held();
  const live = kube.find('Job', 'migrate') ?? assert.fail();
  await kube.request({ method: 'DELETE', path: kube.pathOf(live) });
  const abort = new AbortController();
  const reports: Report[] = [];
  const push = reports.push.bind(reports);
  reports.push = (...said) => {
    if (said.some(({ type }) => type === 'deploy.waiting')) abort.abort();
    return push(...said);
  };
  await assert.rejects(applyTo(kube, [job('app:1'), configMap('new')], { reports, signal: abort.signal }), {
    name: 'AbortError',
  });
  assert.ok(kube.find('ConfigMap', 'new'), 'the others are written all the same');
});

test('an interrupt ends the wait for a replacement that nobody was told of yet, and the others are written', async () => {
  const kube = await held();
  kube.failNext(isPatchOfJob, refusal('PATCH', '/x', 422, 'Invalid', 'spec.template: field is immutable'));
  const abort = new AbortController();
  const reports: Report[] = [];
  const applying = applyTo(kube, [job('app:2'), configMap('later', {}, 'default')], { reports, signal: abort.signal });
  await until(() => kube.find('Job', 'migrate')?.metadata.deletionTimestamp !== undefined);
  abort.abort();
  await assert.rejects(applying, { name: 'AbortError' });
  assert.deepEqual(waitsOf(reports), [
    'job/migrate it is being deleted, and its finalizers have not run: example.com/hold',
  ]);
  assert.ok(kube.find('ConfigMap', 'later', 'default'));
});

test('a namespace that does not go is no wait for ever', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const live = kube.find('Namespace', 'storm') ?? assert.fail();
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  kube.put({ ...live, metadata: { ...live.metadata, deletionTimestamp, finalizers: ['example.com/hold'] } });
  await assert.rejects(applyTo(kube, [configMap('a')], { namespaceMs: 1 }), {
    name: 'Failure',
    kind: 'notReady',
    message: /^namespace\/storm can't be made again: .*example\.com\/hold/,
  });
});

test('without a time of its own a namespace is waited for until it has gone', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const live = kube.find('Namespace', 'storm') ?? assert.fail();
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  kube.put({ ...live, metadata: { ...live.metadata, deletionTimestamp, finalizers: ['example.com/hold'] } });
  const applying = applyTo(kube, [configMap('a')], { removalMs: 0 });
  applying.catch(() => {});
  await until(() => kube.watching > 0);
  kube.remove(live);
  assert.deepEqual((await applying).created.map(formatId), ['configmap/a']);
});

test('what was pruned and does not go is told by the next apply', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [configMap('a'), configMap('gone')]);
  const live = kube.find('ConfigMap', 'gone') ?? assert.fail();
  const held = { ...live.metadata, finalizers: ['example.com/hold'] };
  kube.put({ ...live, metadata: { ...held, deletionTimestamp: new Date().toISOString() } });
  const tell = async () => {
    const reports: Report[] = [];
    await applyTo(kube, [configMap('a')], { reports });
    return reports.flatMap((each) => (each.type === 'deploy.kept' ? [each.because] : []));
  };
  assert.deepEqual(await tell(), []);
  kube.put({ ...live, metadata: { ...held, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  assert.deepEqual(await tell(), ['it is being deleted, and its finalizers have not run: example.com/hold']);
});

test('what one round waited for in vain the next round only looks for', async () => {
  const kube = await held();
  await kube.request({ method: 'DELETE', path: kube.pathOf(kube.find('Job', 'migrate') ?? assert.fail()) });
  const reports: Report[] = [];
  const project = projectOf();
  const report = (each: Report) => void reports.push(each);
  const applier = createApplier({ kube, project, identity: await readIdentity(kube), report, removalMs: 20 });
  const object = own(job('app:1'), { project: ref.name, applySetId: applySetId(ref) });
  const objects = [{ object, where: 'm.yaml:1:1' }];
  const apply = () =>
    applier.apply({ objects, all: undefined, prune: 'nothing', signal: new AbortController().signal });
  assert.equal((await apply()).refused.length, 1);
  assert.equal((await apply()).refused.length, 1);
  assert.equal(waitsOf(reports).length, 1);
  kube.remove(kube.find('Job', 'migrate') ?? assert.fail());
  assert.deepEqual((await apply()).created.map(formatId), ['job/migrate']);
});

test('all that has to go first is waited for no longer than one may take', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const objects = [configMap('config'), workload('Deployment', 'web')];
  await applyTo(kube, objects);
  for (const object of [kube.find('ConfigMap', 'config'), kube.find('Deployment', 'web')])
    await leave(kube, object ?? assert.fail());
  const { refused } = await applyTo(kube, objects, { removalMs: 20 });
  assert.deepEqual(
    refused.map(({ id, failure }) => `${formatId(id)}: ${failure.detail}`),
    ['configmap/config: it is still there after 0 s', 'deployment/web: it is not waited for any more'],
  );
});
