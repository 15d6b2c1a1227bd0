import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../../src/events.ts';
import { configHashesOf } from '../../../src/manifests/config-hash.ts';
import { formatId } from '../../../src/objects.ts';
import type { Plan } from '../../../src/up/plan.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyLoopOn, configMap, patched, ProjectFolder, workload } from './support.ts';

/** The workload with a variable of the key `value` of a ConfigMap. */
function reading(kind: string, name: string, image: string, settings: string): string {
  const env = `env: [{ name: V, valueFrom: { configMapKeyRef: { name: ${settings}, key: value } } }]`;
  return workload(kind, name, image).replace('{ name: main,', `{ name: main, ${env},`);
}

function folderOfReader(): ProjectFolder {
  const folder = new ProjectFolder();
  folder.manifest('db.yaml', reading('Deployment', 'db', 'postgres:15', 'settings'));
  folder.manifest('settings.yaml', configMap('settings'));
  return folder;
}

function hashes({ objects }: Plan): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(objects.map(({ object }) => [object.metadata.name, configHashesOf(object, [])]));
}

const restartsIn = (reports: readonly Report[]) =>
  reports.flatMap((report) =>
    report.type === 'deploy.restarts' ? [[formatId(report.object), ...report.because.map(formatId)]] : [],
  );

test('a config key turns it off, for all and for a service, which may want it all the same', async () => {
  using folder = folderOfReader();
  folder.service('web');
  folder.service('api', 'storm/api', { restartOnConfigChange: false });
  folder.manifest('web.yaml', reading('Deployment', 'web', 'storm/web', 'settings'));
  folder.manifest('api.yaml', reading('Deployment', 'api', 'storm/api', 'settings'));
  const stamped = (of: ReturnType<typeof hashes>) => Object.keys(of).filter((name) => (of[name] ?? []).length > 0);
  assert.deepEqual(stamped(hashes(await folder.plan())), ['db', 'web']);
  folder.restartOnConfigChange = false;
  assert.deepEqual(stamped(hashes(await folder.plan())), ['web']);
});

test('what an earlier step holds counts, and what a later one holds does not: pods start before it', async () => {
  using folder = folderOfReader();
  const of = async (globs: readonly string[]) => {
    folder.steps = globs.map((glob) => ({ glob, wait: true }));
    return hashes(await folder.plan())['db'];
  };
  const together = await of(['k8s/*.yaml']);
  assert.equal(together?.length, 1);
  assert.deepEqual(await of(['k8s/settings.yaml', 'k8s/db.yaml']), together);
  assert.deepEqual(await of(['k8s/db.yaml', 'k8s/settings.yaml']), []);
});

test('a variable that `dev` sets by itself is not of the ConfigMap any more', async () => {
  using folder = new ProjectFolder();
  folder.service('web', 'storm/web', {
    dev: { target: undefined, command: undefined, args: undefined, env: { V: 'x' } },
  });
  folder.manifest('web.yaml', reading('Deployment', 'web', 'storm/web', 'settings'));
  folder.manifest('settings.yaml', configMap('settings'));
  assert.equal(hashes(await folder.plan())['web']?.length, 1);
  assert.deepEqual(hashes(await folder.plan({ mode: 'dev' }))['web'], []);
});

test('a changed ConfigMap is written before what uses it, which says why it restarts; the same again writes nothing', async () => {
  using folder = folderOfReader();
  folder.manifest('other.yaml', workload('Deployment', 'other', 'alpine'));
  const kube = new FakeKube();
  const reports: Report[] = [];
  const loop = await applyLoopOn(kube, await folder.plan(), reports);
  loop.openStage(0);
  await loop.apply();
  assert.deepEqual(restartsIn(reports), []);
  const before = patched(kube.requests).length;
  folder.manifest('settings.yaml', configMap('settings', 'two'));
  loop.setPlan(await folder.plan());
  await loop.apply();
  assert.deepEqual(patched(kube.requests).slice(before), ['configmaps/settings', 'deployments/db']);
  assert.deepEqual(restartsIn(reports), [['deployment/db', 'configmap/settings']]);
  loop.setPlan(await folder.plan());
  await loop.apply();
  assert.equal(patched(kube.requests).length, before + 2);
});

test('a workload whose image comes later still says why its pods are made anew', async () => {
  using folder = new ProjectFolder();
  folder.service('web');
  folder.manifest('web.yaml', reading('Deployment', 'web', 'storm/web', 'settings'));
  folder.manifest('settings.yaml', configMap('settings'));
  const kube = new FakeKube();
  const run = async (reports: Report[]) => {
    const loop = await applyLoopOn(kube, await folder.plan(), reports);
    loop.openStage(0);
    await loop.apply();
    loop.setImage('web', 'storm/web:stormctl-1');
    await loop.apply();
    return restartsIn(reports);
  };
  assert.deepEqual(await run([]), []);
  assert.deepEqual(await run([]), []);
  folder.manifest('settings.yaml', configMap('settings', 'two'));
  assert.deepEqual(await run([]), [['deployment/web', 'configmap/settings']]);
});

test('neither a key that is not used nor pods that had no hash yet are called a reason', async () => {
  using folder = folderOfReader();
  const kube = new FakeKube();
  const reports: Report[] = [];
  const loop = await applyLoopOn(kube, await folder.plan(), reports);
  loop.openStage(0);
  await loop.apply();
  folder.manifest('settings.yaml', configMap('settings').replace('}\n', '}\nimmutable: false\n'));
  folder.manifest('db.yaml', reading('Deployment', 'db', 'postgres:16', 'settings'));
  loop.setPlan(await folder.plan());
  const { applied } = await loop.apply();
  assert.deepEqual(applied.changed.map(formatId), ['configmap/settings', 'deployment/db']);
  assert.deepEqual(restartsIn(reports), []);

  const live = kube.find('Deployment', 'db');
  assert.ok(live);
  kube.put(JSON.parse(JSON.stringify(live).replaceAll(/"stormctl.dev\/config-hash":"\w+"/g, '"other":"1"')));
  folder.manifest('settings.yaml', configMap('settings', 'three'));
  loop.setPlan(await folder.plan());
  assert.equal((await loop.apply()).applied.changed.length, 2);
  assert.deepEqual(restartsIn(reports), []);
});

test('while what it uses is refused a workload stays as it is, and both are written when that is mended', async () => {
  using folder = folderOfReader();
  const kube = new FakeKube();
  const loop = await applyLoopOn(kube, await folder.plan());
  loop.openStage(0);
  await loop.apply();
  const before = patched(kube.requests).length;
  folder.manifest('settings.yaml', configMap('settings', 'two'));
  loop.setPlan(await folder.plan());
  const isSettings = ({ method, path }: { method: string; path: string }) =>
    method === 'PATCH' && path.endsWith('/settings');
  kube.failNext(isSettings, refusal('PATCH', '/settings', 403, 'Forbidden', 'not today'));
  const { applied } = await loop.apply();
  assert.deepEqual(patched(kube.requests).slice(before), ['configmaps/settings']);
  assert.match(
    applied.refused[1]?.failure.message ?? '',
    /^deployment\/db in storm is left as it is: its configmap\/set/,
  );
  await loop.apply();
  assert.deepEqual(patched(kube.requests).slice(before + 1), ['configmaps/settings', 'deployments/db']);
});

test('who may not read workloads is not told why, and writes them', async () => {
  using folder = folderOfReader();
  const kube = new FakeKube();
  const reports: Report[] = [];
  const loop = await applyLoopOn(kube, await folder.plan(), reports);
  loop.openStage(0);
  await loop.apply();
  folder.manifest('settings.yaml', configMap('settings', 'two'));
  loop.setPlan(await folder.plan());
  const isRead = ({ method, path }: { method: string; path: string }) => method === 'GET' && path.endsWith('/db');
  kube.failNext(isRead, refusal('GET', '/db', 403, 'Forbidden', 'cannot get'));
  assert.equal((await loop.apply()).applied.changed.length, 2);
  assert.deepEqual(restartsIn(reports), []);
});

test('a ConfigMap that left the manifests stays until what runs with it was written anew', async () => {
  using folder = new ProjectFolder();
  folder.service('web');
  const write = (settings: string) => {
    folder.manifest('web.yaml', reading('Deployment', 'web', 'storm/web', settings));
    folder.manifest('settings.yaml', configMap(settings));
  };
  write('settings-one');
  folder.manifest('old.yaml', workload('Deployment', 'old', 'alpine'));
  const kube = new FakeKube();
  const first = await applyLoopOn(kube, await folder.plan());
  first.setImage('web', 'storm/web:stormctl-1');
  first.openStage(0);
  await first.apply();

  write('settings-two');
  folder.manifest('old.yaml', '');
  const second = await applyLoopOn(kube, await folder.plan());
  second.openStage(0);
  const { applied } = await second.apply();
  assert.deepEqual(applied.pruned.map(formatId), ['deployment/old'], 'its image is not there yet, and may never be');
  const asked = kube.requests.length;
  await second.apply();
  assert.equal(kube.requests.length, asked, 'nothing is left to do until then');
  second.setImage('web', 'storm/web:stormctl-1');
  assert.deepEqual((await second.apply()).applied.pruned.map(formatId), ['configmap/settings-one']);
});

test('what stays for what runs with it stays in the inventory', async () => {
  using folder = new ProjectFolder();
  folder.service('web');
  folder.manifest('web.yaml', workload('Deployment', 'web', 'storm/web'));
  folder.manifest('settings.yaml', configMap('settings'));
  const kube = new FakeKube();
  const first = await applyLoopOn(kube, await folder.plan());
  first.openStage(0);
  await first.apply();
  folder.manifest('settings.yaml', '');
  const second = await applyLoopOn(kube, await folder.plan());
  second.openStage(0);
  await second.apply();
  const third = await applyLoopOn(kube, await folder.plan());
  third.setImage('web', 'storm/web:stormctl-1');
  third.openStage(0);
  assert.deepEqual((await third.apply()).applied.pruned.map(formatId), ['configmap/settings']);
});
