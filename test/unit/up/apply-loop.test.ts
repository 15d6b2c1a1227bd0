import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyLoopOn, configMap, patched, ProjectFolder, workload } from './support.ts';

function folderOfTwo(): ProjectFolder {
  const folder = new ProjectFolder();
  folder.service('web');
  folder.manifest('web.yaml', workload('Deployment', 'web', 'storm/web'));
  folder.manifest('settings.yaml', configMap('settings'));
  return folder;
}

test('an object whose image is not there yet is left out, and taken, pinned, when it is', async () => {
  using folder = folderOfTwo();
  const kube = new FakeKube();
  const loop = await applyLoopOn(kube, await folder.plan());
  loop.openStage(0);
  await loop.apply();
  assert.deepEqual(patched(kube.requests), ['configmaps/settings']);
  loop.setImage('web', 'localhost:5000/storm/web:x@sha256:1');
  assert.equal(loop.isCurrent, false);
  await loop.apply();
  assert.deepEqual(patched(kube.requests), ['configmaps/settings', 'deployments/web']);
  assert.match(JSON.stringify(kube.find('Deployment', 'web')), /"image":"localhost:5000\/storm\/web:x@sha256:1"/);
  assert.equal(loop.isCurrent, true);
});

test('a workload of a kind that the config names waits for its image, and runs it pinned', async () => {
  using folder = new ProjectFolder();
  folder.service('web', 'storm/web', { dev: { target: undefined, command: ['watch'], args: undefined, env: {} } });
  folder.podTemplates = [{ kind: 'Rollout', group: undefined, path: ['spec', 'template'] }];
  folder.manifest('web.yaml', workload('Rollout', 'front', 'storm/web'));
  const plan = await folder.plan({ mode: 'dev', selection: ['front'] });
  assert.deepEqual(
    plan.objects.map(({ services }) => services),
    [['web']],
  );
  assert.equal(plan.services[0]?.selected, true);
  assert.match(
    JSON.stringify(plan.objects),
    /"labels":\{"app":"front","stormctl.dev\/project":"storm"\}.*"command":\["watch"\]/,
  );
  const kube = new FakeKube();
  kube.put({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'rollouts.apps' },
    spec: {
      group: 'apps',
      scope: 'Namespaced',
      names: { kind: 'Rollout', plural: 'rollouts' },
      versions: [{ name: 'v1', served: true, storage: true }],
    },
  });
  const loop = await applyLoopOn(kube, plan);
  loop.openStage(0);
  await loop.apply();
  assert.equal(kube.find('Rollout', 'front'), undefined);
  loop.setImage('web', 'storm/web:stormctl-1');
  await loop.apply();
  assert.match(JSON.stringify(kube.find('Rollout', 'front')), /"image":"storm\/web:stormctl-1"/);
});

test('a second apply writes nothing', async () => {
  using folder = folderOfTwo();
  const kube = new FakeKube();
  const loop = await applyLoopOn(kube, await folder.plan());
  loop.setImage('web', 'storm/web:1');
  loop.openStage(0);
  await loop.apply();
  const before = patched(kube.requests).length;
  const { planned } = await loop.apply();
  assert.deepEqual([planned, patched(kube.requests).length], [[], before]);
});

test('a stage that is not open is left out, and nothing is pruned before all are', async () => {
  using folder = folderOfTwo();
  folder.steps = [
    { glob: 'k8s/settings.yaml', wait: true },
    { glob: 'k8s/{web,more}.yaml', wait: false },
  ];
  const kube = new FakeKube();
  const loop = await applyLoopOn(kube, await folder.plan());
  loop.setImage('web', 'storm/web:1');
  loop.openStage(0);
  await loop.apply();
  assert.deepEqual(patched(kube.requests), ['configmaps/settings']);
  assert.deepEqual(
    loop.standing(0).map(({ kind, namespace, name }) => [kind, namespace, name]),
    [['ConfigMap', 'storm', 'settings']],
  );
  folder.manifest('settings.yaml', configMap('others'));
  loop.setPlan(await folder.plan());
  await loop.apply();
  assert.ok(kube.find('ConfigMap', 'settings'));
  loop.openStage(1);
  await loop.apply();
  assert.equal(kube.find('ConfigMap', 'settings'), undefined);
  assert.ok(kube.find('Deployment', 'web'));
});

test('rounds do not overlap, and who asks meanwhile gets a round that began after the asking', async () => {
  using folder = folderOfTwo();
  const kube = new FakeKube();
  const loop = await applyLoopOn(kube, await folder.plan());
  loop.openStage(0);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  kube.hold(({ path }) => path.endsWith('/configmaps/settings'), held);
  const first = loop.apply();
  loop.setImage('web', 'storm/web:1');
  const [second, third] = [loop.apply(), loop.apply()];
  release();
  assert.deepEqual(
    (await first).planned.map(({ object }) => object.kind),
    ['ConfigMap'],
  );
  assert.deepEqual(
    (await second).planned.map(({ object }) => object.kind),
    ['Deployment'],
  );
  assert.equal(await second, await third);
});

test('what was refused is tried again by the next round, and the rest is not', async () => {
  using folder = folderOfTwo();
  const kube = new FakeKube();
  const loop = await applyLoopOn(kube, await folder.plan());
  loop.setImage('web', 'storm/web:1');
  loop.openStage(0);
  const isWeb = ({ method, path }: { method: string; path: string }) => method === 'PATCH' && path.endsWith('/web');
  kube.failNext(isWeb, refusal('PATCH', '/web', 422, 'Invalid', 'spec.replicas: must be positive'));
  const { applied } = await loop.apply();
  assert.deepEqual(
    applied.refused.map(({ id }) => id.name),
    ['web'],
  );
  const { planned } = await loop.apply();
  assert.deepEqual(
    planned.map(({ object }) => object.metadata.name),
    ['web'],
  );
  assert.equal(loop.isCurrent, true);
});

test('an object that left the plan is written anew when it is back', async () => {
  using folder = folderOfTwo();
  const kube = new FakeKube();
  const whole = await folder.plan();
  const loop = await applyLoopOn(kube, whole);
  loop.setImage('web', 'storm/web:1');
  loop.openStage(0);
  await loop.apply();
  loop.setPlan({ ...whole, objects: whole.objects.filter(({ object }) => object.kind !== 'ConfigMap') });
  await loop.apply();
  assert.equal(kube.find('ConfigMap', 'settings'), undefined);
  loop.setPlan(whole);
  await loop.apply();
  assert.ok(kube.find('ConfigMap', 'settings'));
});
