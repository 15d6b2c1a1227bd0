import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitReady } from '../../../src/deploy/wait-ready.ts';
import type { WaitOptions } from '../../../src/deploy/wait-ready.ts';
import type { Report } from '../../../src/events.ts';
import { formatId } from '../../../src/objects.ts';
import type { KubeObject, ObjectId } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, configMap, statefulSet, workload } from './support.ts';

const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' };
const healthy = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };

interface Waiting {
  readonly kube: FakeKube;
  readonly reports: Report[];
  readonly result: ReturnType<typeof waitReady>;
}

/** Ends the waits that a test does not: whoever starts something ends it. */
const ending = new AbortController();
after(() => ending.abort());

async function startWait(objects: readonly KubeObject[], options: Partial<WaitOptions> = {}): Promise<Waiting> {
  const kube = new FakeKube();
  const applied = await applyTo(kube, objects);
  const reports: Report[] = [];
  const result = waitReady({
    kube,
    objects: applied.objects,
    signal: ending.signal,
    timeoutMs: undefined,
    report: (report) => reports.push(report),
    ...options,
  });
  result.catch(() => {});
  return { kube, reports, result };
}

/** Resolves when a reason that matches was reported. */
async function waitingFor({ reports }: Waiting, because: RegExp): Promise<string> {
  for (;;) {
    const found = reports.find((report) => report.type === 'deploy.waiting' && because.test(report.because));
    if (found?.type === 'deploy.waiting') return found.because;
    await new Promise(setImmediate);
  }
}

function podOf(workload: string, status: Record<string, unknown>, owner = 'Deployment'): KubeObject {
  const isDeployment = owner === 'Deployment';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${workload}-1`,
      namespace: 'storm',
      labels: { 'stormctl.dev/project': 'storm', ...(isDeployment ? { 'pod-template-hash': 'abc' } : {}) },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: isDeployment ? 'ReplicaSet' : owner,
          name: isDeployment ? `${workload}-abc` : workload,
          uid: 'u',
          controller: true,
        },
      ],
    },
    spec: { containers: [{ name: 'main', image: 'localhost:5000/web:1@sha256:feed' }] },
    status: { phase: 'Pending', ...status },
  };
}

const container = (state: unknown, more: Record<string, unknown> = {}) => ({
  containerStatuses: [{ name: 'main', ready: false, restartCount: 0, state, ...more }],
});

test('objects of kinds that are ready once written need no wait and no word', async () => {
  const { result, reports } = await startWait([configMap('a')]);
  assert.deepEqual(await result, { ready: true });
  assert.deepEqual(reports, []);
});

test('a Deployment is ready when its new pods are available and no old one is left', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  await waitingFor(waiting, /controller has not seen it/);
  waiting.kube.setStatus(web, { ...healthy, availableReplicas: 0 });
  await waitingFor(waiting, /0 of 1 pods are available/);
  waiting.kube.setStatus(web, { ...healthy, replicas: 2 });
  await waitingFor(waiting, /1 pods of the old state/);
  waiting.kube.setStatus(web, healthy);
  assert.deepEqual(await waiting.result, { ready: true });
  assert.equal(waiting.reports.at(-1)?.type, 'deploy.ready');
  assert.equal(waiting.kube.watching, 0);
});

test('the status of the state before does not count', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web')]);
  kube.setStatus(web, healthy);
  const { objects } = await applyTo(kube, [workload('Deployment', 'web', 'alpine:2')]);
  const reports: Report[] = [];
  const signal = new AbortController().signal;
  const result = await waitReady({ kube, objects, signal, timeoutMs: 1, report: (r) => reports.push(r) });
  assert.equal(result.ready, false);
});

test('StatefulSets, DaemonSets and Jobs are waited for too', async () => {
  const waiting = await startWait([statefulSet('pg'), workload('DaemonSet', 'agent'), workload('Job', 'migrate')]);
  await waitingFor(waiting, /0 of 1 runs are done/);
  const id = (apiVersion: string, kind: string, name: string) => ({ apiVersion, kind, namespace: 'storm', name });
  waiting.kube.setStatus(id('apps/v1', 'StatefulSet', 'pg'), healthy);
  waiting.kube.setStatus(id('apps/v1', 'DaemonSet', 'agent'), {
    observedGeneration: 1,
    desiredNumberScheduled: 2,
    updatedNumberScheduled: 2,
    numberAvailable: 1,
  });
  await waitingFor(waiting, /1 of 2 pods are available/);
  waiting.kube.setStatus(id('apps/v1', 'DaemonSet', 'agent'), { numberAvailable: 2 });
  waiting.kube.setStatus(id('batch/v1', 'Job', 'migrate'), { conditions: [{ type: 'Complete', status: 'True' }] });
  assert.deepEqual(await waiting.result, { ready: true });
});

test('a Job that failed ends the wait once nothing else is to be waited for', async () => {
  const waiting = await startWait([workload('Job', 'migrate')]);
  const id: ObjectId = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'storm', name: 'migrate' };
  await waitingFor(waiting, /runs/);
  waiting.kube.setStatus(
    { ...id, namespace: 'storm' },
    {
      conditions: [{ type: 'Failed', status: 'True', message: 'Job has reached the specified backoff limit' }],
    },
  );
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.match(result.notReady[0]?.because ?? '', /backoff limit/);
});

test('an image that can’t be pulled is named exactly', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  waiting.kube.put(podOf('web', container({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } })));
  const because = await waitingFor(waiting, /pulled/);
  assert.match(
    because,
    /image localhost:5000\/web:1@sha256:feed of container main of pod web-1 .*ImagePullBackOff, not found/,
  );
});

test('a pod that can’t be scheduled is explained by the scheduler’s words', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  const message = '0/1 nodes are available: 1 Insufficient memory.';
  waiting.kube.put(
    podOf('web', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] }),
  );
  assert.match(await waitingFor(waiting, /Insufficient memory/), /Unschedulable/);
});

test('a container that crashes is named with its exit code, and the result has its last lines', async () => {
  const abort = new AbortController();
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: 50, signal: abort.signal });
  const lines = Array.from({ length: 12 }, (_, i) => `line ${i + 1}\n`).join('');
  waiting.kube.printed.set('storm/web-1/main/previous', lines);
  const last = { restartCount: 3, lastState: { terminated: { exitCode: 1 } } };
  waiting.kube.put(podOf('web', container({ waiting: { reason: 'CrashLoopBackOff' } }, last)));
  assert.match(
    await waitingFor(waiting, /crashing/),
    /container main of pod web-1 keeps crashing: exit code 1, 3 restarts/,
  );
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.deepEqual(
    result.notReady.map(({ id }) => formatId(id)),
    ['deployment/web'],
  );
  assert.match(result.notReady[0]?.detail ?? '', /^line 3\n[^]*line 12$/);
});

test('a container killed at its memory limit is said to be', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  waiting.kube.put(podOf('web', container({ terminated: { exitCode: 137, reason: 'OOMKilled' } })));
  await waitingFor(waiting, /OOMKilled/);
});

test('a container whose probe does not pass is told from one that starts, and events say why', async () => {
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: 50 });
  const pod = waiting.kube.put(podOf('web', { phase: 'Running', ...container({ running: {} }) }));
  waiting.kube.put({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'storm' },
    involvedObject: { uid: pod.metadata.uid },
    type: 'Warning',
    reason: 'Unhealthy',
    message: 'Readiness probe failed: HTTP probe failed with statuscode: 503',
  });
  await waitingFor(waiting, /is running, not ready/);
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.match(result.notReady[0]?.detail ?? '', /Unhealthy: Readiness probe failed/);
});

test('a program that could not be started has printed nothing, and events say why', async () => {
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: 50 });
  const last = { restartCount: 1, lastState: { terminated: { exitCode: 128 } } };
  const pod = waiting.kube.put(podOf('web', container({ waiting: { reason: 'CrashLoopBackOff' } }, last)));
  waiting.kube.put({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'storm' },
    involvedObject: { uid: pod.metadata.uid },
    type: 'Warning',
    reason: 'Failed',
    message: 'exec: "nope": executable file not found in $PATH',
  });
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.match(result.notReady[0]?.detail ?? '', /executable file not found/);
});

test('a claim is ready when it is bound, or when it waits for its first consumer', async () => {
  const pvc = (name: string, storageClassName: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { storageClassName },
    status: { phase: 'Pending' },
  });
  const kube = new FakeKube();
  const meta = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' };
  kube.put({ ...meta, metadata: { name: 'later' }, volumeBindingMode: 'WaitForFirstConsumer' });
  kube.put({ ...meta, metadata: { name: 'now' }, volumeBindingMode: 'Immediate' });
  const { objects } = await applyTo(kube, [pvc('a', 'later'), pvc('b', 'now')]);
  const reports: Report[] = [];
  const result = waitReady({
    kube,
    objects,
    signal: new AbortController().signal,
    timeoutMs: undefined,
    report: (report) => reports.push(report),
  });
  await waitingFor({ kube, reports, result }, /no volume is bound/);
  assert.deepEqual(
    reports.flatMap((report) => (report.type === 'deploy.ready' ? [report.object.name] : [])),
    ['a'],
  );
  kube.setStatus(
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'storm', name: 'b' },
    { phase: 'Bound' },
  );
  assert.deepEqual(await result, { ready: true });
});

test('a claim whose storage class may not be read keeps nobody waiting', async () => {
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { storageClassName: 'fast' },
    status: { phase: 'Pending' },
  };
  const kube = new FakeKube();
  const forbidden = refusal('GET', '/x', 403, 'Forbidden', 'you are confined to a namespace');
  kube.failNext(({ path }) => path.includes('/storageclasses/'), forbidden, Number.POSITIVE_INFINITY);
  const { objects } = await applyTo(kube, [claim]);
  const { signal } = ending;
  assert.deepEqual(await waitReady({ kube, objects, signal, timeoutMs: undefined, report: () => {} }), { ready: true });
});

test('a watch that is cut is taken up where the cluster is now', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  await waitingFor(waiting, /controller/);
  waiting.kube.cutWatches();
  waiting.kube.setStatus(web, healthy);
  waiting.kube.cutWatches();
  assert.deepEqual(await waiting.result, { ready: true });
});

test('a cluster that does not show the objects is a failure, and nothing is left watching', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  await waitingFor(waiting, /controller/);
  waiting.kube.failWatches(refusal('GET', '/apis/apps/v1', 403, 'Forbidden', 'no'));
  await assert.rejects(waiting.result, { name: 'Failure', kind: 'unreachable' });
  assert.equal(waiting.kube.watching, 0);
});

test('an abort ends the wait with AbortError, and nothing is left watching', async () => {
  const abort = new AbortController();
  const waiting = await startWait([workload('Deployment', 'web')], { signal: abort.signal });
  await waitingFor(waiting, /controller/);
  abort.abort();
  await assert.rejects(waiting.result, { name: 'AbortError' });
  assert.equal(waiting.kube.watching, 0);
});
