import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AppliedMemory } from '../../../src/deploy/applied-memory.ts';
import type { Applied } from '../../../src/deploy/applier.ts';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { CompletedJobs } from '../../../src/deploy/completed-jobs.ts';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import { diffObjects } from '../../../src/deploy/diff.ts';
import { nothingAsked } from '../../../src/deploy/protected.ts';
import { waitReady } from '../../../src/deploy/wait-ready.ts';
import type { KubeRequest, WatchEvent, WatchRequest } from '../../../src/kube/kube.ts';
import type { Report } from '../../../src/events.ts';
import { own } from '../../../src/manifests/own.ts';
import { formatId, type KubeObject } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { until } from '../../support/until.ts';
import { type ApplyOptions, applyTo, configMap, ref, workload } from './support.ts';

const { signal } = new AbortController();
const id = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'storm', name: 'migrate' };
const migrate = (image = 'app:1', spec: Record<string, unknown> = { ttlSecondsAfterFinished: 5 }) =>
  workload('Job', 'migrate', image, spec);
const annotationOf = (kube: FakeKube) =>
  kube.find('ConfigMap', 'stormctl-storm')?.metadata.annotations?.['stormctl.dev/completed-jobs'];

interface Ran {
  readonly applied: Applied;
  readonly notes: readonly string[];
}

/** What a `run` does; `during` plays the controllers until everything is ready. */
async function run(
  kube: FakeKube,
  objects: readonly KubeObject[],
  during: (kube: FakeKube) => unknown = () => {},
  options: ApplyOptions = {},
): Promise<Ran> {
  const reports: Report[] = [];
  const report = (each: Report) => reports.push(each);
  await using jobs = new CompletedJobs({ kube, ref, report });
  const applied = await applyTo(kube, objects, { ...options, jobs, reports });
  await during(kube);
  const result = await waitReady({ kube, jobs, objects: applied.objects, signal, timeoutMs: undefined, report });
  assert.deepEqual(result, { ready: true });
  const notes = reports.flatMap((each) => (each.type === 'note' || each.type === 'warning' ? [each.text] : []));
  return { applied, notes };
}

function finish(kube: FakeKube, type = 'Complete'): void {
  kube.setStatus(id, { conditions: [{ type, status: 'True' }] });
}

function expire(kube: FakeKube): void {
  const job = kube.find('Job', 'migrate');
  assert.ok(job);
  kube.remove(job);
}

/** A cluster in which the Job completed and was removed by its time-to-live. */
async function expired(object = migrate()): Promise<FakeKube> {
  const kube = new FakeKube();
  await run(kube, [object], finish);
  expire(kube);
  return kube;
}

test('a Job that its time-to-live removed after it completed is not made again, is ready, and that is said', async () => {
  const kube = await expired();
  const { applied, notes } = await run(kube, [migrate()]);
  assert.deepEqual(applied.objects.map(formatId), ['job/migrate']);
  assert.equal(applied.unchanged, 1);
  assert.equal(kube.find('Job', 'migrate'), undefined);
  assert.deepEqual(notes, [
    'job/migrate completed before and was removed by its time-to-live: it runs again when it is changed',
  ]);
});

test('a changed one runs, and so does the one before it after that', async () => {
  const kube = await expired();
  const changed = await run(kube, [migrate('app:2')], finish);
  assert.deepEqual(changed.applied.created.map(formatId), ['job/migrate']);
  expire(kube);
  const back = await run(kube, [migrate('app:1')], finish);
  assert.deepEqual(back.applied.created.map(formatId), ['job/migrate']);
});

test('one that was changed and did not complete is forgotten before it is sent', async () => {
  const kube = await expired();
  kube.failNext(({ path, method }) => method === 'PATCH' && path.endsWith('/migrate'), new Error('killed'));
  await assert.rejects(run(kube, [migrate('app:2')]), /killed/);
  assert.equal(annotationOf(kube), undefined);
});

test('a Job that completes and goes before anybody waits for it is ready, and remembered', async () => {
  const kube = new FakeKube();
  await run(kube, [migrate()], async () => {
    finish(kube);
    await until(() => annotationOf(kube) !== undefined);
    expire(kube);
  });
  assert.deepEqual((await run(kube, [migrate()])).applied.created, []);
});

test('a Job that completes while others are waited for, and goes, stays ready', async () => {
  const kube = new FakeKube();
  const web = workload('Deployment', 'web');
  const healthy = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
  const running = run(kube, [migrate(), web]);
  await until(() => kube.find('Job', 'migrate') !== undefined && kube.watching > 2);
  finish(kube);
  await until(() => annotationOf(kube) !== undefined);
  expire(kube);
  kube.setStatus({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' }, healthy);
  await running;
});

for (const [what, object, end] of [
  ['without a time-to-live', migrate('app:1', {}), 'Complete'],
  ['that failed', migrate(), 'Failed'],
] as const)
  test(`a Job ${what} runs again when it is gone`, async () => {
    const kube = new FakeKube();
    const reports: Report[] = [];
    await using jobs = new CompletedJobs({ kube, ref, report: (each) => reports.push(each) });
    const applied = await applyTo(kube, [object], { jobs });
    finish(kube, end);
    await waitReady({ kube, jobs, objects: applied.objects, signal, timeoutMs: undefined, report: () => {} });
    await until(() => !jobs.isFollowed(id));
    expire(kube);
    assert.equal(annotationOf(kube), undefined);
    assert.deepEqual((await run(kube, [object], finish)).applied.created.map(formatId), ['job/migrate']);
  });

test('one that leaves the manifests is forgotten, and runs when it is back', async () => {
  const kube = await expired();
  await run(kube, [configMap('a')]);
  assert.equal(annotationOf(kube), undefined);
  const { applied } = await run(kube, [configMap('a'), migrate()], finish);
  assert.deepEqual(applied.created.map(formatId), ['job/migrate']);
});

test('after a delete everything runs again', async () => {
  const kube = await expired();
  await deleteProject({ kube, ...ref, ...nothingAsked, signal, report: () => {} });
  assert.equal(annotationOf(kube), undefined);
  const { applied } = await run(kube, [migrate()], finish);
  assert.deepEqual(applied.created.map(formatId), ['job/migrate']);
});

test('a Job whose memory went with the namespace runs again in the same session', async () => {
  const kube = new FakeKube();
  const reports: Report[] = [];
  await using jobs = new CompletedJobs({ kube, ref, report: (each) => reports.push(each) });
  const { objects } = await applyTo(kube, [migrate()], { jobs });
  finish(kube);
  await waitReady({ kube, jobs, objects, signal, timeoutMs: undefined, report: () => {} });
  for (const object of kube.all()) if (object.metadata.namespace === 'storm') kube.remove(object);
  const namespace = kube.find('Namespace', 'storm') ?? assert.fail();
  kube.remove(namespace);
  const again = await applyTo(kube, [migrate()], { jobs });
  assert.deepEqual(again.created.map(formatId), ['job/migrate']);
});

test('an inventory that is written again keeps what is remembered', async () => {
  const kube = await expired();
  await run(kube, [migrate(), configMap('b', {}, 'default')]);
  await run(kube, [migrate()]);
  assert.deepEqual((await run(kube, [migrate()])).applied.created, []);
});

test('a diff tells no Job that would not run', async () => {
  const kube = await expired();
  const tell = async (object: KubeObject) => {
    const owned = own(object, { project: ref.name, applySetId: applySetId(ref) });
    const { changes } = await diffObjects({ kube, ref, objects: [{ object: owned, where: '' }], signal });
    return changes.map(({ kind }) => kind);
  };
  assert.deepEqual(await tell(migrate()), []);
  assert.deepEqual(await tell(migrate('app:2')), ['new']);
});

test('an annotation that says nothing, and one that can’t be written, keep nobody', async () => {
  const kube = await expired();
  const inventory = kube.find('ConfigMap', 'stormctl-storm');
  assert.ok(inventory);
  const annotations = { ...inventory.metadata.annotations, 'stormctl.dev/completed-jobs': '{broken' };
  kube.put({ ...inventory, metadata: { ...inventory.metadata, annotations } });
  kube.failNext(
    ({ contentType, path }) => path.endsWith('/stormctl-storm') && contentType === 'application/merge-patch+json',
    refusal('PATCH', '/x', 403, 'Forbidden', 'no rights'),
  );
  const { applied, notes } = await run(kube, [migrate()], finish);
  assert.deepEqual(applied.created.map(formatId), ['job/migrate']);
  assert.match(notes.join(), /may run again .* \(no rights\)/);
});

/** A cluster whose Jobs go at chosen moments. */
class HastyKube extends FakeKube {
  /** No watch of the Job alone shows it before this. */
  shown = Promise.resolve();
  onListed = () => {};

  override async *watch(request: WatchRequest, until: AbortSignal): AsyncGenerator<WatchEvent, void, void> {
    if (request.fieldSelector !== undefined) await this.shown;
    yield* super.watch(request, until);
  }

  override async request<T>(request: KubeRequest): Promise<T> {
    const answer = await super.request<T>(request);
    if (request.method === 'GET' && request.path.endsWith('/jobs')) this.onListed();
    return answer;
  }
}

/** A Job that completed when nobody was there to note it. */
async function unnoted(options: ApplyOptions): Promise<HastyKube> {
  const kube = new HastyKube();
  await applyTo(kube, [migrate()], options);
  finish(kube);
  return kube;
}

async function openMemory(t: TestContext): Promise<AppliedMemory> {
  const folder = await mkdtemp(join(tmpdir(), 'stormctl-jobs-'));
  t.after(() => rm(folder, { recursive: true }));
  return AppliedMemory.open(join(folder, 'applied.json'));
}

for (const how of ['sent again', 'remembered as applied'] as const)
  test(`a Job that was complete, is ${how}, and goes at once is ready and noted`, async (t) => {
    const options = how === 'sent again' ? {} : { memory: await openMemory(t) };
    const kube = await unnoted(options);
    kube.shown = until(() => kube.find('Job', 'migrate') === undefined);
    const { applied } = await run(kube, [migrate()], expire, options);
    assert.equal(applied.unchanged, 1);
    assert.ok(annotationOf(kube));
  });

test('a Job that is remembered as applied and goes after it was read runs again', async (t) => {
  const options = { memory: await openMemory(t) };
  const kube = await unnoted(options);
  kube.onListed = () => {
    kube.onListed = () => {};
    expire(kube);
  };
  const { applied } = await run(kube, [migrate()], finish, options);
  assert.equal(applied.refused.length, 0);
});

test('a Job that completed stays ready when it goes and that can’t be noted', async () => {
  const kube = new FakeKube();
  kube.failNext(
    ({ contentType, path }) => path.endsWith('/stormctl-storm') && contentType === 'application/merge-patch+json',
    refusal('PATCH', '/x', 403, 'Forbidden', 'no rights'),
  );
  const reports: Report[] = [];
  await using jobs = new CompletedJobs({ kube, ref, report: (each) => reports.push(each) });
  const { objects } = await applyTo(kube, [migrate()], { jobs });
  finish(kube);
  await until(() => reports.length > 0);
  expire(kube);
  const options = { kube, jobs, objects, signal, timeoutMs: undefined, report: () => {} };
  assert.deepEqual(await waitReady(options), { ready: true });
});

const asksFor = (kube: FakeKube) =>
  kube.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('/jobs/migrate'));

test('a Job that is followed already is not asked for again, and one that was made anew meanwhile is another', async (t) => {
  const options = { memory: await openMemory(t) };
  const kube = await unnoted(options);
  const live = kube.find('Job', 'migrate');
  assert.ok(live);
  kube.setStatus(id, { conditions: [] });
  await using jobs = new CompletedJobs({ kube, ref, report: () => {} });
  await applyTo(kube, [migrate()], { ...options, jobs });
  assert.equal(asksFor(kube).length, 1);
  await applyTo(kube, [migrate()], { ...options, jobs });
  assert.equal(asksFor(kube).length, 1);
  const resource = await kube.resource('batch/v1', 'Job');
  const sent = { id, object: migrate(), body: 'another' };
  assert.equal(await jobs.takeUp(sent, resource, { ...live.metadata, uid: 'of the one before' }), false);
  assert.equal(await jobs.takeUp(sent, resource, live.metadata), true);
});

test('the status of a Job is asked for until it is noted that it completed', async () => {
  const kube = new FakeKube();
  await run(kube, [migrate()], finish);
  await run(kube, [migrate()]);
  const accepts = kube.requests.flatMap(({ method, path, accept }) =>
    method === 'PATCH' && path.endsWith('/jobs/migrate') ? [accept?.includes('PartialObjectMetadata')] : [],
  );
  assert.deepEqual(accepts, [false, true]);
});

test('a Job that went before it could be noted that it completed waits for that', async () => {
  const kube = new FakeKube();
  const noted = new AbortController();
  kube.hold(
    ({ contentType, path }) => path.endsWith('/stormctl-storm') && contentType === 'application/merge-patch+json',
    once(noted.signal, 'abort').then(() => {}),
  );
  await using jobs = new CompletedJobs({ kube, ref, report: () => {} });
  const { objects } = await applyTo(kube, [migrate()], { jobs });
  finish(kube);
  await until(() => jobs.isDone(id));
  expire(kube);
  const result = await waitReady({ kube, jobs, objects, signal, timeoutMs: 1, report: () => {} });
  assert.ok(!result.ready);
  assert.equal(result.notReady[0]?.because, 'that it completed is not noted yet');
  noted.abort();
  assert.deepEqual(await waitReady({ kube, jobs, objects, signal, timeoutMs: undefined, report: () => {} }), {
    ready: true,
  });
});
