import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { StuckPods } from '../../../src/deploy/stuck-pods.ts';
import { unstickUntilReady } from '../../../src/deploy/unstick-until-ready.ts';
import type { Report } from '../../../src/events.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { readPod } from '../../../src/pods/pod-state.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { until } from '../../support/until.ts';
import { applyTo, claim, statefulSet, workload } from './support.ts';

const ending = new AbortController();
after(() => ending.abort());

const id = { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: 'storm', name: 'pg' };
const backOff = { waiting: { reason: 'ImagePullBackOff', message: 'not found' } };

interface Scene {
  readonly kube: FakeKube;
  readonly set: KubeObject;
  readonly reports: Report[];
  readonly result: ReturnType<typeof unstickUntilReady>;
}

/** A StatefulSet whose newest state is `new`, and that waits. */
async function start(object: KubeObject = statefulSet('pg'), arrange = (_kube: FakeKube) => {}): Promise<Scene> {
  const kube = new FakeKube();
  const { objects } = await applyTo(kube, [object]);
  arrange(kube);
  kube.setStatus(id, { observedGeneration: 1, replicas: 1, readyReplicas: 0, updateRevision: 'new' });
  const reports: Report[] = [];
  const report = (each: Report) => void reports.push(each);
  const result = unstickUntilReady({ kube, objects, signal: ending.signal, timeoutMs: undefined, report });
  result.catch(() => {});
  const set = kube.find('StatefulSet', 'pg');
  assert.ok(set);
  return { kube, set, reports, result };
}

function podOf(
  set: KubeObject | undefined,
  ordinal: number,
  revision: string,
  more: Partial<PodParts> = {},
): KubeObject {
  const { state = backOff, ready = false, uid = set?.metadata.uid, claims = ['data'] } = more;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pg-${ordinal}`,
      namespace: 'storm',
      labels: { 'stormctl.dev/project': 'storm', 'controller-revision-hash': revision },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'pg', uid: uid ?? '', controller: true }],
      ...(more.finalizers ? { finalizers: more.finalizers } : {}),
    },
    spec: {
      containers: [{ name: 'main', image: 'postgres' }],
      volumes: claims.map((name) => ({ name, persistentVolumeClaim: { claimName: `${name}-pg-${ordinal}` } })),
    },
    status: {
      phase: 'Pending',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [{ name: 'main', ready, restartCount: 0, state }],
    },
  };
}

interface PodParts {
  readonly state: Record<string, unknown>;
  readonly ready: boolean;
  readonly uid: string;
  readonly finalizers: readonly string[];
  /** Of which templates it has claims. */
  readonly claims: readonly string[];
}

const textsOf = ({ reports }: Scene) =>
  reports.flatMap((report) => (report.type === 'note' || report.type === 'warning' ? [report.text] : []));
const deletes = ({ kube }: Scene) =>
  kube.requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path.split('/').at(-1));
const waitsFor = ({ reports }: Scene, because: RegExp) =>
  until(() => reports.some((each) => each.type === 'deploy.waiting' && because.test(each.because)));

test('a pod of an older state that a StatefulSet is stuck on is deleted, by its uid, and its claim stays', async () => {
  const scene = await start();
  const { kube, set, result } = scene;
  kube.put(claim('data-pg-0', 'pg'));
  const pod = kube.put(podOf(set, 0, 'old'));
  await until(() => kube.find('Pod', 'pg-0') === undefined);
  await until(() => textsOf(scene).length > 0);
  assert.match(textsOf(scene).join(), /statefulset\/pg: pod pg-0 of its older state \(can't be pulled\).*claims stay/);
  const body = kube.requests.find(({ method }) => method === 'DELETE')?.body as { preconditions?: object } | undefined;
  const { uid, resourceVersion } = pod.metadata;
  assert.deepEqual(body?.preconditions, { uid, resourceVersion });
  assert.ok(kube.find('PersistentVolumeClaim', 'data-pg-0'));
  kube.setStatus(id, { updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 });
  assert.deepEqual(await result, { ready: true });
});

test('pods that lack a claim of a template are deleted in their order, each when those before it are ready', async () => {
  const running = { ready: true, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } };
  const scene = await start(statefulSet('pg'), (fake) => {
    const set = fake.find('StatefulSet', 'pg');
    for (const ordinal of [0, 1]) fake.put(podOf(set, ordinal, 'old', { ...running, claims: ['old'] }));
    fake.put(claim('old-pg-0', 'pg'));
  });
  const { kube, set, result } = scene;
  await until(() => textsOf(scene).length === 1);
  assert.deepEqual(deletes(scene), ['pg-0']);
  assert.equal(
    textsOf(scene)[0],
    'statefulset/pg: pod pg-0 lacks a claim that it can only be made with and is deleted; its claims stay',
  );
  kube.put(podOf(set, 0, 'new', { state: { waiting: { reason: 'ContainerCreating' } } }));
  await waitsFor(scene, /pg-0/);
  assert.deepEqual(deletes(scene), ['pg-0']);
  kube.put(podOf(set, 0, 'new', running));
  await until(() => textsOf(scene).length === 2);
  assert.deepEqual(deletes(scene), ['pg-0', 'pg-1']);
  kube.put(podOf(set, 1, 'new', running));
  kube.setStatus(id, { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 });
  assert.deepEqual(await result, { ready: true });
  assert.ok(kube.find('PersistentVolumeClaim', 'old-pg-0'));
});

test('of several the highest ordinal goes first, and the next one when it has gone', async () => {
  const scene = await start(statefulSet('pg'), (fake) => {
    const set = fake.find('StatefulSet', 'pg');
    for (const ordinal of [0, 10, 9]) fake.put(podOf(set, ordinal, 'old', { finalizers: ['x/y'] }));
  });
  const { kube } = scene;
  await until(() => deletes(scene).length > 0);
  await waitsFor(scene, /./);
  assert.deepEqual(deletes(scene), ['pg-10']);
  for (const name of ['pg-10', 'pg-9', 'pg-0']) {
    await until(() => deletes(scene).at(-1) === name);
    const found = kube.find('Pod', name);
    assert.ok(found);
    kube.remove(found);
  }
  assert.deepEqual(deletes(scene), ['pg-10', 'pg-9', 'pg-0']);
});

for (const [what, pod] of [
  ['of the state that was asked for', (set: KubeObject) => podOf(set, 0, 'new')],
  ['that is ready', (set: KubeObject) => podOf(set, 0, 'old', { ready: true, state: { running: {} } })],
  [
    'that is starting',
    (set: KubeObject) => podOf(set, 0, 'old', { state: { waiting: { reason: 'ContainerCreating' } } }),
  ],
  ['of another StatefulSet that had its name', (set: KubeObject) => podOf(set, 0, 'old', { uid: 'another' })],
] as const)
  test(`a pod ${what} is left alone`, async () => {
    const scene = await start();
    scene.kube.put(pod(scene.set));
    await waitsFor(scene, /pg-0|0 of 1/);
    if (what.startsWith('of another'))
      await until(() => scene.kube.requests.some(({ path }) => path.endsWith('/pg-0')));
    // A workload is ready when its pods that are seen are, too.
    scene.kube.put(
      podOf(scene.set, 0, 'new', { ready: true, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }),
    );
    scene.kube.setStatus(id, { updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 });
    await scene.result;
    assert.deepEqual(deletes(scene), []);
    assert.ok(scene.kube.find('Pod', 'pg-0'));
  });

for (const [field, spec, words] of [
  ['updateStrategy: OnDelete', { updateStrategy: { type: 'OnDelete' } }, /with `updateStrategy: OnDelete` it stays/],
  ['a partition', { updateStrategy: { rollingUpdate: { partition: 1 } } }, /with `partition: 1` it stays/],
] as const)
  test(`with ${field} it is left alone, and the wait says why`, async () => {
    const scene = await start(workload('StatefulSet', 'pg', 'postgres', spec));
    scene.kube.put(podOf(scene.set, 0, 'old'));
    await waitsFor(scene, words);
    assert.deepEqual(deletes(scene), []);
  });

test('a StatefulSet that makes its pods in parallel replaces them itself', async () => {
  const scene = await start(workload('StatefulSet', 'pg', 'postgres', { podManagementPolicy: 'Parallel' }));
  scene.kube.put(podOf(scene.set, 0, 'old'));
  await waitsFor(scene, /can't be pulled/);
  assert.deepEqual(deletes(scene), []);
});

const seen: KubeObject = {
  ...statefulSet('pg'),
  metadata: { name: 'pg', namespace: 'storm', uid: 'u', generation: 2 },
  status: { observedGeneration: 2, updateRevision: 'new' },
};

test('before the controller has seen the new state nothing is deleted', () => {
  const stuck = new StuckPods({ kube: new FakeKube(), report: () => {} });
  const pods = [readPod(podOf(seen, 0, 'old'))];
  const unseen = { ...seen, status: { observedGeneration: 1, updateRevision: 'new' } };
  assert.equal(stuck.next(unseen, pods), undefined);
  assert.equal(stuck.next(seen, pods)?.pod.name, 'pg-0');
});

test('one that only takes its time goes when it lasts, once', (t) => {
  const now = t.mock.method(performance, 'now', () => 0);
  const stuck = new StuckPods({ kube: new FakeKube(), report: () => {} });
  const pods = [readPod(podOf(seen, 0, 'old', { state: { running: {} } }))];
  assert.equal(stuck.next(seen, pods), undefined);
  now.mock.mockImplementation(() => 10_001);
  assert.equal(stuck.next(seen, pods)?.pod.name, 'pg-0');
  assert.equal(stuck.next(seen, pods), undefined);
});

test('a pod that was deleted is told of also when the wait ends meanwhile', async () => {
  const abort = new AbortController();
  const kube = new FakeKube();
  const reports: Report[] = [];
  const set = kube.put({ ...seen, metadata: { ...seen.metadata, namespace: 'storm' } });
  const pod = kube.put(podOf(set, 0, 'old'));
  const isDelete = ({ method }: KubeRequest) => method === 'DELETE';
  kube.hold((request) => {
    if (isDelete(request)) abort.abort();
    return isDelete(request);
  }, Promise.resolve());
  const stuck = new StuckPods({ kube, report: (each) => reports.push(each) });
  const trouble = stuck.next(set, [readPod(pod)]);
  assert.ok(trouble);
  await stuck.remove(set, trouble, abort.signal);
  assert.ok(abort.signal.aborted);
  assert.deepEqual(
    reports.map(({ type }) => type),
    ['note'],
  );
});

test('who may not delete pods is told so, once, and the wait goes on', async () => {
  const scene = await start(statefulSet('pg'), (kube) =>
    kube.failNext(({ method }) => method === 'DELETE', refusal('DELETE', '/x', 403, 'Forbidden', 'no rights'), 99),
  );
  scene.kube.put(podOf(scene.set, 0, 'old'));
  await until(() => textsOf(scene).length > 0);
  assert.match(textsOf(scene).join(), /can't be deleted: no rights/);
  scene.kube.put(
    podOf(scene.set, 0, 'old', { state: { waiting: { reason: 'ErrImagePull', message: 'no such host' } } }),
  );
  await waitsFor(scene, /no such host/);
  assert.equal(deletes(scene).length, 1);
  scene.kube.remove(podOf(scene.set, 0, 'old'));
  scene.kube.setStatus(id, { updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 });
  assert.deepEqual(await scene.result, { ready: true });
});

test('a pod that was ready meanwhile has its time anew', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const stuck = new StuckPods({ kube: new FakeKube(), report: () => {} });
  const status = { observedGeneration: 1, updateRevision: 'new' };
  const set: KubeObject = {
    ...statefulSet('pg'),
    metadata: { name: 'pg', namespace: 'storm', uid: 'u', generation: 1 },
    status,
  };
  const next = (ready: boolean) => {
    const pod = podOf(set, 0, 'old', { ready, state: { running: {} } });
    return stuck.next(set, [readPod({ ...pod, metadata: { ...pod.metadata, uid: 'p' } })]);
  };
  assert.equal(next(false), undefined);
  now = 9000;
  assert.equal(next(true), undefined);
  now = 20_000;
  assert.equal(next(false), undefined, 'it blips for the second time');
  now = 30_001;
  assert.equal(next(false)?.pod.uid, 'p');
});

for (const [status, reason, goes] of [
  [409, 'Conflict', false],
  [404, 'NotFound', true],
] as const)
  test(`a delete that was done and is answered with ${status} when it is made again is told`, async () => {
    const { kube, set, reports } = await start();
    const pod = kube.put(podOf(set, 0, 'old', goes ? {} : { finalizers: ['x/y'] }));
    const isDelete = ({ method, path }: KubeRequest) => method === 'DELETE' && path.endsWith('/pg-0');
    const request = kube.request.bind(kube);
    kube.request = async <T>(asked: KubeRequest): Promise<T> => {
      const answer = await request<T>(asked);
      if (isDelete(asked)) throw refusal('DELETE', asked.path, status, reason, 'again');
      return answer;
    };
    await until(() => reports.some(({ type }) => type === 'note'));
    assert.ok(kube.get(pod) === undefined || kube.get(pod)?.metadata.deletionTimestamp !== undefined);
  });

test('who ends the wait before the deletion was asked for has nothing deleted', async () => {
  const abort = new AbortController();
  const kube = new FakeKube();
  const set = kube.put({ ...seen, metadata: { ...seen.metadata, namespace: 'storm' } });
  const pod = kube.put(podOf(set, 0, 'old'));
  const request = kube.request.bind(kube);
  kube.request = async <T>(asked: KubeRequest): Promise<T> => {
    const answer = await request<T>(asked);
    abort.abort();
    return answer;
  };
  const stuck = new StuckPods({ kube, report: () => assert.fail('nothing is to be told') });
  const trouble = stuck.next(set, [readPod(pod)]);
  assert.ok(trouble);
  await assert.rejects(stuck.remove(set, trouble, abort.signal), { name: 'AbortError' });
  assert.ok(kube.get(pod));
});
