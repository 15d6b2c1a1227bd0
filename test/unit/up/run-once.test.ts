import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { Failure, Failures } from '../../../src/errors.ts';
import { never } from '../../../src/lib/abort.ts';
import type { Plan } from '../../../src/up/plan.ts';
import { type RunOnceOptions, runOnce } from '../../../src/up/run-once.ts';
import type { FakeKube } from '../../support/fake-kube.ts';
import { until } from '../../support/until.ts';
import { PlayingKube } from '../dev/playing-kube.ts';
import { ProjectFolder, workload } from './support.ts';

async function run(kube: FakeKube, plan: Plan, deliver: RunOnceOptions['deliver'], timeoutMs = 10_000) {
  const site = { kube, identity: await readIdentity(kube) };
  return runOnce({ plan, site, deliver, report: () => {}, signal: never, timeoutMs });
}

function folderOfTwo(): ProjectFolder {
  const folder = new ProjectFolder();
  for (const name of ['web', 'api']) {
    folder.service(name);
    folder.manifest(`${name}.yaml`, workload('Deployment', name, `storm/${name}`));
  }
  return folder;
}

test('a service that can not be built does not keep the others from being applied, and is told in the end', async () => {
  using folder = folderOfTwo();
  const kube = new PlayingKube();
  const plan = await folder.plan();
  const running = run(kube, plan, async ({ service }) => {
    if (service.name === 'api') throw new Failure('build', 'api: RUN false');
    return 'storm/web:1';
  });
  await assert.rejects(running, (error) => error instanceof Failures && error.exitCode === 3 && error.all.length === 1);
  assert.equal(kube.imageOf('web'), 'storm/web:1');
  assert.equal(kube.find('Deployment', 'api'), undefined);
});

test('two builds that fail are both told', async () => {
  using folder = folderOfTwo();
  const running = run(new PlayingKube(), await folder.plan(), async ({ service }) => {
    throw new Failure('build', `${service.name}: RUN false`);
  });
  await assert.rejects(running, (error) => error instanceof Failures && error.all.length === 2);
});

test('what is not ready in time is named, with why', async () => {
  using folder = folderOfTwo();
  const kube = new PlayingKube();
  kube.stuck.add('api');
  const running = run(kube, await folder.plan(), async ({ service }) => `storm/${service.name}:1`, 100);
  await assert.rejects(running, (error) => {
    assert.ok(error instanceof Failure);
    assert.deepEqual([error.kind, error.message], ['notReady', 'not ready after 0 s: deployment/api']);
    assert.match(error.detail ?? '', /deployment\/api: 0 of 1 pods/);
    return true;
  });
});

test('what has failed for good is not said to have had all its time', async () => {
  using folder = new ProjectFolder();
  folder.manifest('job.yaml', workload('Job', 'migrate', 'storm/migrate'));
  const kube = new PlayingKube();
  const running = run(kube, await folder.plan(), async () => 'unused');
  await until(() => kube.find('Job', 'migrate') !== undefined);
  const id = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'storm', name: 'migrate' };
  kube.setStatus(id, { conditions: [{ type: 'Failed', status: 'True', message: 'it has reached its backoff limit' }] });
  await assert.rejects(running, {
    kind: 'notReady',
    message: 'job/migrate failed: it has reached its backoff limit; it is not tried again',
    detail: undefined,
    next: 'mend it and run again',
  });
});

test('a namespace that does not go is waited for no longer than a run may wait', async () => {
  using folder = folderOfTwo();
  const kube = new PlayingKube();
  const live = kube.find('Namespace', 'storm') ?? assert.fail();
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  kube.put({ ...live, metadata: { ...live.metadata, deletionTimestamp, finalizers: ['example.com/hold'] } });
  const running = run(kube, await folder.plan(), async ({ service }) => `storm/${service.name}:1`, 10);
  await assert.rejects(running, { kind: 'notReady', message: /^namespace\/storm can't be made again: / });
});

test('what has to go first, and does not, is waited for no longer than a run may wait', {
  timeout: 120_000,
}, async () => {
  using folder = folderOfTwo();
  const kube = new PlayingKube();
  const deliver: RunOnceOptions['deliver'] = async ({ service }) => `storm/${service.name}:1`;
  await run(kube, await folder.plan(), deliver);
  const web = kube.find('Deployment', 'web') ?? assert.fail();
  kube.put({ ...web, metadata: { ...web.metadata, finalizers: ['example.com/hold'] } });
  await kube.request({ method: 'DELETE', path: kube.pathOf(web) });
  const running = run(kube, await folder.plan(), deliver, 10);
  await assert.rejects(running, (error) => {
    assert.ok(error instanceof Failures);
    const told = error.all.map(({ message, detail }) => `${message.split(':')[0]}: ${detail}`);
    // Each image that comes has everything applied once more: what was waited for at first is what is told.
    assert.deepEqual(told, ["deployment/web can't be applied: it is still there after 0 s"]);
    return true;
  });
});

test('an engine that goes away ends every build before the run ends', async () => {
  using folder = folderOfTwo();
  let ended = false;
  const running = run(new PlayingKube(), await folder.plan(), async ({ service }, signal) => {
    if (service.name === 'api') throw new Failure('unreachable', "can't reach the Docker engine");
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        ended = true;
        reject(signal.reason);
      }),
    );
  });
  await assert.rejects(running, { kind: 'unreachable' });
  assert.equal(ended, true);
});

test('however many services there are, their waits are no leak of listeners', async () => {
  using folder = new ProjectFolder();
  for (let i = 0; i < 12; i++) {
    folder.service(`web-${i}`);
    folder.manifest(`web-${i}.yaml`, workload('Deployment', `web-${i}`, `storm/web-${i}`));
  }
  const warnings: string[] = [];
  const hear = ({ name }: Error) => void warnings.push(name);
  process.on('warning', hear);
  await run(new PlayingKube(), await folder.plan(), async ({ service }, signal) => {
    signal.addEventListener('abort', () => {});
    return `storm/${service.name}:1`;
  });
  process.off('warning', hear);
  assert.deepEqual(warnings, []);
});

test('how long the builds take does not count as waiting', async (t) => {
  using folder = folderOfTwo();
  const now = performance.now.bind(performance);
  let skew = 0;
  t.mock.method(performance, 'now', () => now() + skew);
  const kube = new PlayingKube();
  kube.stuck.add('api');
  const running = run(kube, await folder.plan(), async ({ service }) => {
    await new Promise(setImmediate);
    skew += 60_000;
    return `storm/${service.name}:1`;
  });
  const watch = t.mock.method(kube, 'watch');
  // Warnings are followed when something was waited for in earnest.
  const waits = until(() => watch.mock.calls.some(({ arguments: [{ path }] }) => path.endsWith('/events')));
  await Promise.race([running, waits]);
  kube.setStatus(
    { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'api' },
    { observedGeneration: 99, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
  );
  await running;
});
