import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { after, test } from 'node:test';
import { waitReady } from '../../../src/deploy/wait-ready.ts';
import type { WaitOptions } from '../../../src/deploy/wait-ready.ts';
import type { Report } from '../../../src/events.ts';
import { LoginFailure } from '../../../src/kube/kube.ts';
import { formatId, idOf } from '../../../src/objects.ts';
import type { KubeObject, ObjectId } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, event, statefulSet, workload } from './support.ts';

const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' };
const healthy = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };

interface Waiting {
  readonly kube: FakeKube;
  readonly reports: Report[];
  readonly result: ReturnType<typeof waitReady>;
}

/** Long enough for what was put to be seen before, on a busy machine too; events are asked for after a second. */
const soon = 700;

/** Ends the waits that a test does not: whoever starts something ends it. */
const ending = new AbortController();
setMaxListeners(0, ending.signal);
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

/** Resolves when all that was put before has been looked at: one watch tells of all Deployments, in order. */
async function looked(waiting: Waiting, other: string): Promise<void> {
  const old = waiting.reports.length + 2;
  waiting.kube.setStatus({ ...web, name: other }, { ...healthy, replicas: 1 + old });
  await waitingFor(waiting, new RegExp(`^${old} pods of the old state`));
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

const runningSince = { running: { startedAt: '2026-01-01T00:05:00Z' } };

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
  const result = await waitReady({ kube, objects, signal: ending.signal, timeoutMs: soon, report: () => {} });
  assert.ok(!result.ready);
  assert.match(result.notReady[0]?.because ?? '', /controller/);
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
  assert.equal(result.notReady[0]?.isFinal, true);
});

test('a Job that has failed before the wait tells why, though its pods are listed late', async () => {
  const kube = new FakeKube();
  const { objects } = await applyTo(kube, [workload('Job', 'migrate')]);
  const id = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'storm', name: 'migrate' };
  kube.setStatus(id, { conditions: [{ type: 'Failed', status: 'True', message: 'backoff limit' }] });
  kube.put(podOf('migrate', { phase: 'Failed', ...container({ terminated: { exitCode: 3 } }) }, 'Job'));
  const watch = kube.watch.bind(kube);
  let sawJob = () => {};
  const jobSeen = new Promise<void>((resolve) => {
    sawJob = resolve;
  });
  kube.watch = async function* (request, signal) {
    if (request.path.endsWith('/pods')) await jobSeen;
    for await (const event of watch(request, signal)) {
      yield event;
      // Whoever asks for the next one has seen to this one.
      if (request.path.endsWith('/jobs')) sawJob();
    }
  };
  const result = await waitReady({ kube, objects, signal: ending.signal, timeoutMs: undefined, report: () => {} });
  assert.match((!result.ready && result.notReady[0]?.because) || '', /crashed: exit code 3$/);
});

test('an image that can’t be pulled is named exactly', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  waiting.kube.put(podOf('web', container({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } })));
  const because = await waitingFor(waiting, /pulled/);
  assert.equal(
    because,
    "image localhost:5000/web:1@sha256:feed of container main of pod web-1 can't be pulled: not found",
  );
});

test('a pod that can’t be scheduled is explained by the scheduler’s words', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  const message = '0/1 nodes are available: 1 Insufficient memory.';
  waiting.kube.put(
    podOf('web', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] }),
  );
  assert.match(await waitingFor(waiting, /Insufficient memory/), /no node has enough memory left/);
});

test('a container that has just begun and has no probe is not ready before it has stayed for a moment', async () => {
  const begins = (probe: object) => {
    const status = container({ running: { startedAt: new Date().toISOString() } }, { containerID: 'containerd://1' });
    const pod = podOf('web', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], ...status });
    return { ...pod, spec: { containers: [{ name: 'main', image: 'web', ...probe }] } };
  };
  const waiting = await startWait([workload('Deployment', 'web')]);
  waiting.kube.put(begins({}));
  waiting.kube.setStatus(web, healthy);
  await waitingFor(waiting, /container main of pod web-1 has just started/);
  waiting.kube.put(podOf('web', container({ terminated: { exitCode: 3, containerID: 'containerd://1' } })));
  await waitingFor(waiting, /crashed: exit code 3$/);

  const probed = await startWait([workload('Deployment', 'web')]);
  probed.kube.put(begins({ readinessProbe: {} }));
  probed.kube.setStatus(web, healthy);
  assert.deepEqual(await probed.result, { ready: true });
  assert.ok(!probed.reports.some((report) => report.type === 'deploy.waiting' && /just started/.test(report.because)));
});

test('a container that crashes and has no probe is not ready between two crashes, but when it stays', async () => {
  const lastState = { terminated: { exitCode: 1 } };
  const runs = (startedAt: Date) =>
    podOf('web', {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      ...container(
        { running: { startedAt: startedAt.toISOString() } },
        { ready: true, restartCount: 3, lastState, containerID: 'containerd://4' },
      ),
    });
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: soon });
  waiting.kube.printed.set('storm/web-1/main/previous', 'last words\n');
  waiting.kube.put(runs(new Date()));
  waiting.kube.setStatus(web, healthy);
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.match(
    result.notReady[0]?.because ?? '',
    /container main of pod web-1 crashed: exit code 1, 3 restarts, and runs again/,
  );
  assert.equal(result.notReady[0]?.detail, 'last words');

  const stays = await startWait([workload('Deployment', 'web')]);
  stays.kube.put(runs(new Date()));
  stays.kube.setStatus(web, healthy);
  assert.deepEqual(await stays.result, { ready: true });
  const old = await startWait([workload('Deployment', 'web')], { timeoutMs: 60_000 });
  old.kube.put(runs(new Date(Date.now() - 3_600_000)));
  old.kube.setStatus(web, healthy);
  assert.deepEqual(await old.result, { ready: true });
});

for (const [probe, ready] of [
  ['no', true],
  ['a', false],
] as const)
  test(`a container with ${probe} probe that crashed is named when the time is over while it runs again`, async () => {
    const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: soon });
    waiting.kube.printed.set('storm/web-1/main/previous', 'last words\n');
    const last = { ready, restartCount: 2, lastState: { terminated: { exitCode: 3 } } };
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
    waiting.kube.put(podOf('web', { phase: 'Running', conditions, ...container({ running: {} }, last) }));
    const result = await waiting.result;
    assert.ok(!result.ready);
    assert.match(
      result.notReady[0]?.because ?? '',
      /main of pod web-1 crashed: exit code 3, 2 restarts, and runs again/,
    );
    assert.equal(result.notReady[0]?.detail, 'last words');
  });

test('a container that crashes is named with its exit code, and the result has its last lines', async () => {
  const abort = new AbortController();
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: soon, signal: abort.signal });
  const lines = Array.from({ length: 12 }, (_, i) => `line ${i + 1}\n`).join('');
  waiting.kube.printed.set('storm/web-1/main/previous', lines);
  const last = { restartCount: 3, lastState: { terminated: { exitCode: 1 } } };
  waiting.kube.put(podOf('web', container({ waiting: { reason: 'CrashLoopBackOff' } }, last)));
  assert.match(
    await waitingFor(waiting, /crashing/),
    /container main of pod web-1 keeps crashing: exit code 1, 3 restarts/,
  );
  const briefs = waiting.reports.flatMap((report) => (report.type === 'deploy.waiting' ? [report.brief] : []));
  assert.equal(briefs.at(-1), 'crash loop, exit 1, 3 restarts');
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

test('a container killed at its memory limit is said to be while it waits for its next try, whatever its exit code', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  const crashed = (exitCode: number, reason: string, message?: string) =>
    waiting.kube.put(
      podOf(
        'web',
        container(
          { waiting: { reason: 'CrashLoopBackOff' } },
          { restartCount: 2, lastState: { terminated: { exitCode, reason, message } } },
        ),
      ),
    );
  crashed(1, 'OOMKilled');
  assert.equal(
    await waitingFor(waiting, /OOMKilled/),
    'container main of pod web-1 keeps crashing: it was killed at its memory limit (OOMKilled), exit code 1, 2 restarts',
  );
  crashed(137, 'Error');
  assert.equal(
    await waitingFor(waiting, /137/),
    'container main of pod web-1 keeps crashing: exit code 137 (killed), 2 restarts',
  );
});

test('a program that can’t be started is told once, by its cause, however its node puts it', async () => {
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: soon });
  const message =
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown';
  const terminated = { exitCode: 128, reason: 'StartError', message };
  const states: readonly (readonly [unknown, Record<string, unknown>])[] = [
    [{ waiting: { reason: 'RunContainerError', message } }, {}],
    [{ terminated }, { restartCount: 1 }],
    [{ waiting: { reason: 'CrashLoopBackOff' } }, { restartCount: 2, lastState: { terminated } }],
  ];
  for (const [state, more] of states) {
    waiting.kube.put(podOf('web', container(state, more)));
    await waitingFor(waiting, /start/);
    await new Promise(setImmediate);
  }
  waiting.kube.put(event(waiting.kube.find('Pod', 'web-1'), 'Failed', `Error: ${message}`));
  waiting.kube.put(event(waiting.kube.find('Pod', 'web-1'), 'BackOff', 'Back-off restarting failed container main'));
  const result = await waiting.result;
  const told = waiting.reports.flatMap((report) => (report.type === 'deploy.waiting' ? [report.because] : []));
  const because = 'container main of pod web-1 can\'t be started: exec: "nosuch": executable file not found in $PATH';
  assert.deepEqual(
    told.filter((each) => each.includes('start')),
    [because],
  );
  assert.ok(!result.ready);
  assert.deepEqual(
    result.notReady.map(({ because, detail }) => ({ because, detail })),
    [{ because, detail: undefined }],
  );
});

test('why an image can’t be pulled is not told once more by the events', async () => {
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: soon });
  const image = 'localhost:5000/web:1@sha256:feed';
  const message = `failed to pull and unpack image "${image}": failed to resolve reference "${image}": no such host`;
  const pod = waiting.kube.put(podOf('web', container({ waiting: { reason: 'ErrImagePull', message } })));
  const said = [`Failed to pull image "${image}": ${message}`, 'Error: ErrImagePull', 'Error: ImagePullBackOff'];
  said.forEach((each, at) => {
    const failed = event(pod, 'Failed', each);
    waiting.kube.put({ ...failed, metadata: { ...failed.metadata, name: `e${at}` } });
  });
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.match(result.notReady[0]?.because ?? '', /can't be pulled: no such host$/);
  assert.equal(result.notReady[0]?.unpulled, image);
  assert.equal(result.notReady[0]?.detail, undefined);
});

test('a Deployment whose pods are seen late is told to be ready once, when they are', async () => {
  const waiting = await startWait([workload('Deployment', 'web'), workload('Deployment', 'other')]);
  const pod = podOf('web', { phase: 'Running', ...container({ running: {} }) });
  const probed = { ...pod, spec: { containers: [{ name: 'main', image: 'web', readinessProbe: {} }] } };
  waiting.kube.put(probed);
  await waitingFor(waiting, /is running, not ready/);
  waiting.kube.setStatus(web, healthy);
  await looked(waiting, 'other');
  assert.ok(!waiting.reports.some(({ type }) => type === 'deploy.ready'));
  waiting.kube.setStatus({ ...web, name: 'other' }, healthy);
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  waiting.kube.put({ ...probed, status: { ...status, ...container({ running: {} }, { ready: true }) } });
  assert.deepEqual(await waiting.result, { ready: true });
  assert.equal(waiting.reports.filter((each) => each.type === 'deploy.ready' && each.object.name === 'web').length, 1);
});

test('what was ready and takes a usual step again is told to be ready once; after trouble it is told again', async () => {
  const waiting = await startWait([workload('Deployment', 'web'), workload('Deployment', 'api')]);
  const ready = () => waiting.reports.filter(({ type }) => type === 'deploy.ready').length;
  const until = async (count: number) => {
    while (ready() < count) await new Promise(setImmediate);
  };
  waiting.kube.setStatus(web, healthy);
  await until(1);
  waiting.kube.setStatus(web, { ...healthy, availableReplicas: 0 });
  await looked(waiting, 'api');
  waiting.kube.setStatus(web, healthy);
  await looked(waiting, 'api');
  const isTold = waiting.reports.some((each) => each.type === 'deploy.waiting' && /0 of 1/.test(each.because));
  assert.deepEqual([ready(), isTold], [1, false]);
  waiting.kube.put(podOf('web', container({ terminated: { exitCode: 3 } })));
  waiting.kube.setStatus(web, { ...healthy, availableReplicas: 0 });
  await waitingFor(waiting, /exit code 3/);
  await waiting.kube.request({ method: 'DELETE', path: '/api/v1/namespaces/storm/pods/web-1' });
  waiting.kube.setStatus(web, healthy);
  await until(2);
});

test('a container that its liveness probe has killed says what the probe said', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  const waits = { waiting: { reason: 'CrashLoopBackOff' } };
  const run = { startedAt: '2026-01-01T00:05:00Z', finishedAt: '2026-01-01T00:06:30Z' };
  const crashed = (exitCode: number) =>
    waiting.kube.put(
      podOf('web', container(waits, { restartCount: 2, lastState: { terminated: { exitCode, ...run } } })),
    );
  const pod = crashed(137);
  const say = (message: string, lastTimestamp: string) =>
    waiting.kube.put({
      ...event(pod, 'Unhealthy', message),
      metadata: { name: `e-${lastTimestamp}`, namespace: 'storm' },
      involvedObject: { uid: pod.metadata.uid, fieldPath: 'spec.containers{main}' },
      lastTimestamp,
    });
  say('Liveness probe failed: I am dead\n', '2026-01-01T00:06:00Z');
  say('Startup probe failed: of the next run', '2026-01-01T00:07:00Z');
  waiting.kube.put({
    ...event(pod, 'BackOff', 'Back-off restarting'),
    metadata: { name: 'later', namespace: 'storm' },
  });
  assert.equal(
    await waitingFor(waiting, /dead/),
    'container main of pod web-1 keeps crashing: exit code 137 (killed), 2 restarts; Liveness probe failed: I am dead',
  );
  crashed(3);
  assert.match(await waitingFor(waiting, /exit code 3/), /exit code 3, 2 restarts$/);
});

test('what a probe said of a run before the one that ended is not to blame for its end', async () => {
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: soon });
  const run = { startedAt: '2026-01-01T00:05:00Z', finishedAt: '2026-01-01T00:06:30Z' };
  const last = { restartCount: 2, lastState: { terminated: { exitCode: 143, ...run } } };
  const pod = waiting.kube.put(podOf('web', container({ waiting: { reason: 'CrashLoopBackOff' } }, last)));
  for (const lastTimestamp of ['2026-01-01T00:04:59Z', undefined])
    waiting.kube.put({
      ...event(pod, 'Unhealthy', 'Liveness probe failed: I was dead'),
      metadata: { name: `e-${lastTimestamp}`, namespace: 'storm' },
      involvedObject: { uid: pod.metadata.uid, fieldPath: 'spec.containers{main}' },
      lastTimestamp,
    });
  waiting.kube.put(event(pod, 'FailedMount', 'no such volume'));
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.equal(result.notReady[0]?.because, 'container main of pod web-1 keeps crashing: exit code 143, 2 restarts');
  assert.equal(result.notReady[0]?.detail, 'FailedMount: no such volume');
});

test('a container whose probe does not pass is told from one that starts, and events say why', async () => {
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: soon });
  const pod = waiting.kube.put(podOf('web', { phase: 'Running', ...container(runningSince) }));
  const said = event(pod, 'Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503');
  waiting.kube.put({ ...said, lastTimestamp: runningSince.running.startedAt });
  await waitingFor(waiting, /is running, not ready/);
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.match(result.notReady[0]?.detail ?? '', /Unhealthy: Readiness probe failed/);
});

test('a program that could not be started has printed nothing, and events say why', async () => {
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: soon });
  const last = { restartCount: 1, lastState: { terminated: { exitCode: 128 } } };
  const pod = waiting.kube.put(podOf('web', container({ waiting: { reason: 'CrashLoopBackOff' } }, last)));
  waiting.kube.put(event(pod, 'Failed', 'exec: "nope": executable file not found in $PATH'));
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.match(result.notReady[0]?.detail ?? '', /executable file not found/);
});

test('a container that printed nothing has what it left as its message for a detail', async () => {
  const waiting = await startWait([workload('Deployment', 'web')], { timeoutMs: soon });
  waiting.kube.put(podOf('web', container({ terminated: { exitCode: 1, reason: 'Error', message: 'no licence\n' } })));
  const result = await waiting.result;
  assert.ok(!result.ready);
  assert.match(result.notReady[0]?.because ?? '', /crashed: exit code 1$/);
  assert.equal(result.notReady[0]?.detail, 'no licence');
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

test('a login that is no longer accepted ends the wait: nobody waits for what only a person can mend', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  await waitingFor(waiting, /./);
  waiting.kube.cutWatches(new LoginFailure('not accepted', {}));
  await assert.rejects(waiting.result, { message: 'not accepted' });
});

test('a cluster that does not show the objects is a failure, and nothing is left watching', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  await waitingFor(waiting, /controller/);
  waiting.kube.failWatches(refusal('GET', '/apis/apps/v1', 403, 'Forbidden', 'no'));
  await assert.rejects(waiting.result, { name: 'Failure', kind: 'refused' });
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

test('a StatefulSet whose pods a quota keeps from being made names the quota', async () => {
  const waiting = await startWait([statefulSet('pg')]);
  const said =
    'create Pod pg-0 in StatefulSet pg failed error: pods "pg-0" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2';
  waiting.kube.setStatus(
    { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: 'storm', name: 'pg' },
    { observedGeneration: 1 },
  );
  waiting.kube.put(event(waiting.kube.find('StatefulSet', 'pg'), 'FailedCreate', said));
  const because = await waitingFor(waiting, /quota/);
  assert.equal(
    because,
    "its pods can't be made: the quota small is exceeded: requested: pods=1, used: pods=2, limited: pods=2",
  );
});

test('a Deployment whose pods a webhook refuses says which, and what it said', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  const message = 'admission webhook "no.example.com" denied the request: no pods on Fridays';
  waiting.kube.setStatus(web, {
    observedGeneration: 1,
    conditions: [{ type: 'ReplicaFailure', status: 'True', message }],
  });
  const because = await waitingFor(waiting, /refused/);
  assert.equal(because, 'its pods are refused by the admission webhook no.example.com: no pods on Fridays');
});

test('a pod of an older state is not blamed where a quota keeps the new ones from being made', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  waiting.kube.put(podOf('web', container({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } })));
  const message = 'pods "web-2" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=0';
  waiting.kube.setStatus(web, {
    observedGeneration: 1,
    replicas: 1,
    conditions: [{ type: 'ReplicaFailure', status: 'True', message }],
  });
  assert.match(await waitingFor(waiting, /quota/), /quota small is exceeded/);
});

test('a probe that fails is told in its words', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  const pod = waiting.kube.put(podOf('web', { phase: 'Running', ...container(runningSince) }));
  const say = (statuscode: number, lastTimestamp: string) =>
    waiting.kube.put({
      ...event(pod, 'Unhealthy', `Readiness probe failed: HTTP probe failed with statuscode: ${statuscode}`),
      lastTimestamp,
    });
  say(404, '2026-01-01T00:04:00Z');
  assert.match(await waitingFor(waiting, /not ready/), /is running, not ready$/);
  say(500, '2026-01-01T00:06:00Z');
  const because = await waitingFor(waiting, /statuscode: 500/);
  assert.match(because, /^container main of pod web-1 is not ready: Readiness probe failed/);
});

test('a pod whose node is gone says so', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  const pod = podOf('web', { phase: 'Running', ...container({ running: {} }) });
  const there = waiting.kube.put({ ...pod, spec: { ...(pod['spec'] as object), nodeName: 'n1' } });
  waiting.kube.put(event(there, 'NodeNotReady', 'Node is not ready'));
  assert.equal(await waitingFor(waiting, /node/), 'pod web-1: its node n1 is not ready');
});

test('a pod that no node has room for names what is short', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  const message =
    '0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found.';
  waiting.kube.put(
    podOf('web', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] }),
  );
  assert.equal(
    await waitingFor(waiting, /enough/),
    'pod web-1: no node has enough cpu left for it: 0/2 nodes are available: 2 Insufficient cpu',
  );
});

test('a pod that waits for a node to be ready says so', async () => {
  const waiting = await startWait([workload('Deployment', 'web')]);
  const message = '0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.';
  waiting.kube.put(
    podOf('web', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] }),
  );
  assert.match(await waitingFor(waiting, /taint/), /^pod web-1: no node that is ready takes it: 0\/1 nodes/);
});

test('a pod that waits for a claim names it, and why it has no volume', async () => {
  const waiting = await startWait([workload('Deployment', 'web'), claim('data', 'web')]);
  const claimId = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'storm', name: 'data' };
  waiting.kube.setStatus(claimId, { phase: 'Pending' });
  const message = '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes.';
  const pending = podOf('web', {
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
  });
  const withClaims = (...names: string[]) =>
    waiting.kube.put({
      ...pending,
      spec: {
        ...(pending['spec'] as object),
        volumes: names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
      },
    });
  withClaims('data');
  assert.equal(await waitingFor(waiting, /pod web-1/), 'pod web-1: its claim data is not bound');
  withClaims('cache', 'data');
  assert.equal(await waitingFor(waiting, /not all/), 'pod web-1: not all of its claims are bound: cache, data');
  waiting.kube.put({
    ...event(pending, 'ProvisioningFailed', 'storageclass "nope" not found'),
    involvedObject: {
      uid: waiting.kube.find('PersistentVolumeClaim', 'data')?.metadata.uid,
      kind: 'PersistentVolumeClaim',
      namespace: 'storm',
      name: 'data',
    },
  });
  assert.equal(
    await waitingFor(waiting, /pod web-1.*nope/),
    'pod web-1: its claim data is not bound: storageclass "nope" not found',
  );
  assert.equal(
    await waitingFor(waiting, /^no volume is bound to it: /),
    'no volume is bound to it: storageclass "nope" not found',
  );
});

test('a claim says what the cluster says of it, though it is no warning, and so does the pod that waits for it', async () => {
  const pending = { ...claim('data', 'web'), status: { phase: 'Pending' } };
  const waiting = await startWait([workload('Deployment', 'web'), pending]);
  const told = waiting.kube.find('PersistentVolumeClaim', 'data');
  const message = '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.';
  const scheduled = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
  const pod = podOf('web', { conditions: [scheduled] });
  waiting.kube.put({ ...pod, spec: { ...(pod['spec'] as object), volumes } });
  const say = (reason: string, message: string, uid = told?.metadata.uid) =>
    waiting.kube.put({
      ...event(told, reason, message),
      type: 'Normal',
      involvedObject: { uid, kind: 'PersistentVolumeClaim', namespace: 'storm', name: 'data' },
    });
  const waits = "Waiting for a volume to be created either by the external provisioner 'x' or manually";
  say('ExternalProvisioning', `${waits}. If volume creation is delayed, please verify that it is running.`);
  await waitingFor(waiting, /^no volume is bound to it: Waiting for .* manually$/);
  const steps = () => waiting.reports.filter((each) => each.type === 'deploy.waiting' && !each.usual);
  assert.deepEqual(steps(), []);
  say('FailedBinding', 'no persistent volumes available');
  await waitingFor(waiting, /^no volume is bound to it: no persistent volumes available$/);
  await waitingFor(waiting, /^pod web-1: its claim data is not bound: no persistent volumes available$/);
  assert.equal(steps().length, 2);
});

test('a paused Deployment is not waited for: its new state does not come', async () => {
  const waiting = await startWait([workload('Deployment', 'web', 'web:2', { paused: true })]);
  waiting.kube.setStatus(web, { ...healthy, replicas: 1, updatedReplicas: 0 });
  const result = await waiting.result;
  assert.match((!result.ready && result.notReady[0]?.because) || '', /paused/);
});

function thingKube() {
  const group = 'example.com';
  const kube = new FakeKube({ namespaces: ['storm'] });
  kube.put({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}` },
    spec: { group, scope: 'Namespaced', names: { kind: 'Thing', plural: 'things' }, versions: [{ name: 'v1' }] },
    status: { conditions: [{ type: 'Established', status: 'True' }] },
  });
  const thing = { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 'one' }, spec: {} };
  const id = { apiVersion: `${group}/v1`, kind: 'Thing', namespace: 'storm', name: 'one' };
  return { kube, thing, id };
}

test('objects of kinds that others define are ready as their conditions say', async () => {
  const { kube, thing, id } = thingKube();
  const { objects } = await applyTo(kube, [thing]);
  const ready = (status: string, more = {}) => kube.setStatus(id, { conditions: [{ type: 'Ready', status, ...more }] });
  ready('False', { reason: 'Pending', message: 'no address yet' });
  const reports: Report[] = [];
  const report = (each: Report) => reports.push(each);
  const result = waitReady({ kube, objects, signal: ending.signal, timeoutMs: undefined, report });
  assert.equal(await waitingFor({ kube, reports, result }, /not Ready/), 'it is not Ready (Pending): no address yet');
  ready('True', { observedGeneration: 0 });
  assert.match(await waitingFor({ kube, reports, result }, /not seen/), /its controller has not seen it yet/);
  ready('True', { observedGeneration: 1 });
  assert.deepEqual(await result, { ready: true });
});

test('what says that nothing is to wait for it is not waited for, whatever its conditions or its pods say', async () => {
  const annotations = { 'stormctl.dev/wait': 'false' };
  const { kube, thing, id } = thingKube();
  const optional = { ...thing, metadata: { ...thing.metadata, annotations } };
  const deployment = workload('Deployment', 'web');
  const web2 = { ...deployment, metadata: { ...deployment.metadata, annotations } };
  const { objects } = await applyTo(kube, [optional, web2]);
  kube.setStatus(id, { conditions: [{ type: 'Ready', status: 'False' }] });
  const report = () => {};
  assert.deepEqual(await waitReady({ kube, objects, signal: ending.signal, timeoutMs: undefined, report }), {
    ready: true,
  });
});

test('what helps a workload is asked with its pods, and the wait fails as its work does', async () => {
  const { kube, result } = await startWait([workload('Deployment', 'web')], {
    help: (object, [pod]) =>
      pod && (async () => Promise.reject(new Error(`no help for ${formatId(idOf(object))} with ${pod.name}`))),
  });
  kube.put(podOf('web', {}));
  await assert.rejects(result, /no help for deployment\/web with web-1/);
});
