import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restartService } from '../../../src/dev/restart-service.ts';
import { ApiError } from '../../../src/kube/kube.ts';
import { never } from '../../../src/lib/abort.ts';
import { appliedWeb } from '../up/support.ts';
import { PlayingKube } from './playing-kube.ts';

async function scene() {
  const kube = new PlayingKube();
  const { folder, loop } = await appliedWeb(kube);
  const restart = (service: string) =>
    restartService({ kube, project: folder.project, service, report: () => {}, signal: never });
  const patches = () => kube.requests.filter(({ query }) => query?.['fieldManager'] === 'stormctl-restart');
  return { folder, kube, loop, restart, patches };
}

for (const name of ['web-service', 'web'])
  test(`${name} has its workload's pods replaced, and nothing else is touched`, async () => {
    const { folder, kube, restart, patches } = await scene();
    using _ = folder;
    const before = new Set(kube.all('Pod').map(({ metadata }) => metadata.name));
    const { rolledOut, processes } = await restart(name);
    assert.deepEqual(
      rolledOut.map(({ kind, name: workloadName }) => `${kind}/${workloadName}`),
      ['Deployment/web'],
    );
    assert.equal(processes, 0);
    assert.deepEqual(
      patches().map(({ path }) => path.split('/').at(-1)),
      ['web'],
    );
    const after = kube.all('Pod').map(({ metadata }) => metadata.name);
    assert.equal(after.filter((pod) => before.has(pod)).length, 1, 'the database goes on');
  });

test('an apply after it changes nothing', async () => {
  const { folder, kube, loop, restart } = await scene();
  using _ = folder;
  await restart('web');
  const generation = kube.find('Deployment', 'web')?.metadata.generation;
  loop.forget();
  await loop.apply();
  assert.equal(kube.find('Deployment', 'web')?.metadata.generation, generation);
});

test('a workload of the same name that is no member is left alone', async () => {
  const { folder, kube, restart, patches } = await scene();
  using _ = folder;
  kube.put({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'web', namespace: 'storm' }, spec: {} });
  await restart('web');
  assert.deepEqual(
    patches().map(({ path }) => path.split('/').slice(-2).join('/')),
    ['deployments/web'],
  );
});

test('a name that nothing has, what does not stand, and what the cluster refuses are failures of their classes', async () => {
  const { folder, kube, restart } = await scene();
  using _ = folder;
  await assert.rejects(restart('wep'), { kind: 'usage', next: 'did you mean web?' });
  kube.failNext(
    ({ method }) => method === 'PATCH',
    new ApiError({ status: 403, reason: 'Forbidden', message: 'no', method: 'PATCH', path: '/x' }),
  );
  await assert.rejects(restart('web'), { kind: 'refused' });
  const nothing = new PlayingKube();
  const options = { kube: nothing, project: folder.project, service: 'web', report: () => {}, signal: never };
  await assert.rejects(restartService(options), { kind: 'notReady' });
});
