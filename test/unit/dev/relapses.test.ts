import assert from 'node:assert/strict';
import { test as nodeTest } from 'node:test';
import type { Report } from '../../../src/events.ts';
import { DevScene } from './scene.ts';

const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

function told(reports: readonly Report[], name: string): readonly string[] {
  return reports.flatMap((report) => {
    if (report.type === 'deploy.waiting' && report.object.name === name && !report.usual) return [report.because];
    return report.type === 'deploy.ready' && report.object.name === name ? ['ready'] : [];
  });
}

test('a workload that begins to crash after it was ready is told, and that it is ready again', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const before = scene.reports.length;
  scene.kube.crash('db', 3);
  await scene.until(() => told(scene.reports.slice(before), 'db').length > 0);
  assert.match(
    told(scene.reports.slice(before), 'db')[0] ?? '',
    /container main of pod db-\d+ keeps crashing: exit code 3/,
  );
  scene.kube.restart('db');
  await scene.until(() => told(scene.reports.slice(before), 'db').includes('ready'));
  assert.equal(told(scene.reports.slice(before), 'db').length, 2);
});

test('a new image takes the waiting for a crashed service over, so that its being ready is told once', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const before = scene.reports.length;
  scene.kube.crash('api', 3);
  await scene.until(() => told(scene.reports.slice(before), 'api').length > 0);
  scene.kube.stuck.add('api');
  scene.local.write('api/src/main.txt', 'two');
  (await scene.build('api', 1)).finish('storm/api:two');
  await scene.until(() => told(scene.reports.slice(before), 'api').length > 1);
  const { apiVersion, kind, metadata } = scene.kube.find('Deployment', 'api') ?? assert.fail();
  const counts = { replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
  scene.kube.restart('api');
  scene.kube.setStatus({ apiVersion, kind, ...metadata }, { observedGeneration: metadata.generation, ...counts });
  await scene.report('loop.rebuilt');
  assert.equal(told(scene.reports.slice(before), 'api').filter((text) => text === 'ready').length, 1);
});

test('a pod that is not ready for a moment is not worth a word', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const before = scene.reports.length;
  const pod = scene.kube.all('Pod').find(({ metadata }) => metadata.name.startsWith('db-'));
  assert.ok(pod);
  scene.kube.put({
    ...pod,
    status: { ...(pod['status'] as object), conditions: [{ type: 'Ready', status: 'False' }] },
  });
  scene.kube.put(pod);
  scene.local.write('api/src/main.txt', 'two');
  (await scene.build('api', 1)).finish('storm/api:two');
  await scene.report('loop.rebuilt');
  assert.deepEqual(told(scene.reports.slice(before), 'db'), []);
});
