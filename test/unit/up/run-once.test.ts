import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { Failure, Failures } from '../../../src/errors.ts';
import type { FakeKube } from '../../support/fake-kube.ts';
import type { Plan } from '../../../src/up/plan.ts';
import { runOnce, type RunOnceOptions } from '../../../src/up/run-once.ts';
import { PlayingKube } from '../dev/playing-kube.ts';
import { never, ProjectFolder, workload } from './support.ts';

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
