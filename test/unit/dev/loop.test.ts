import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test as nodeTest } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { refusal } from '../../support/fake-kube.ts';
import { deployment, DevScene } from './scene.ts';

/** What never comes fails its own test. */
const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

test('what needs no image is applied while the builds run, and the session is ready when all runs', async () => {
  await using scene = new DevScene();
  await scene.start();
  await scene.until(() => scene.kube.patched.includes('deployments/db'));
  assert.deepEqual(scene.kube.patched, ['deployments/db']);
  for (const name of ['web', 'api']) (await scene.build(name, 0)).finish(`storm/${name}:one`);
  await scene.report('session.ready');
  assert.equal(scene.kube.imageOf('web'), 'storm/web:one');
  assert.equal(scene.kube.imageOf('db'), 'postgres:15');
  const ready = scene.reports.flatMap((report) => (report.type === 'deploy.ready' ? [report.object.name] : []));
  assert.deepEqual(ready.sort(), ['api', 'db', 'web']);
});

test('an abort while the first builds run ends them and the session', async () => {
  await using scene = new DevScene();
  await scene.start();
  const web = await scene.build('web', 0);
  await scene.until(() => scene.kube.patched.includes('deployments/db'));
  const error = await scene.end();
  assert.equal((error as Error).message, 'Ctrl+C');
  assert.equal(web.signal.aborted, true);
});

test('a save rebuilds the one service that it reaches, and tells when it runs', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('api/src/main.txt', 'two');
  const built = await scene.build('api', 1);
  assert.equal(built.because, 'src/main.txt changed');
  built.finish('storm/api:two');
  assert.equal((await scene.report('loop.rebuilt')).service, 'api');
  assert.equal(scene.kube.imageOf('api'), 'storm/api:two');
  assert.equal(scene.builds.length, 3);
  const decided = await scene.report('loop.decided');
  assert.equal(decided.because, 'Dockerfile:2 COPY src /src');
});

test('a save during a build aborts it and builds again', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('api/src/main.txt', 'two');
  const stale = await scene.build('api', 1);
  scene.local.write('api/src/main.txt', 'three');
  const fresh = await scene.build('api', 2);
  assert.equal(stale.signal.aborted, true);
  assert.equal((await scene.report('build.aborted')).service, 'api');
  fresh.finish('storm/api:three');
  await scene.report('loop.rebuilt');
  assert.equal(scene.kube.imageOf('api'), 'storm/api:three');
});

test('a file that is synced during a build aborts nothing, and reaches the container of the new image', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('web/Dockerfile', 'FROM alpine\nCOPY src /src\nUSER 1\n');
  const built = await scene.build('web', 1);
  scene.local.write('web/src/main.txt', 'synced');
  await scene.report('sync.done');
  assert.equal(scene.remote.read('app/main.txt'), 'synced');
  rmSync(scene.remote.at('app/main.txt'));
  assert.equal(built.signal.aborted, false);
  built.finish('storm/web:two');
  await scene.report('loop.rebuilt');
  assert.equal((await scene.report('sync.done', 1)).files, 1);
  assert.equal(scene.remote.read('app/main.txt'), 'synced');
});

test('a container that restarts gets what was synced before', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('web/src/main.txt', 'synced');
  await scene.report('sync.done');
  rmSync(scene.remote.at('app/main.txt'));
  scene.kube.restart('web');
  await scene.report('sync.done', 1);
  assert.equal(scene.remote.read('app/main.txt'), 'synced');
});

test('a file that no way led to the container for is brought when there is one again, and said once', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  await scene.until(() => scene.exec.running > 0);
  scene.exec.refuse = () => new Failure('unreachable', 'no route to host');
  await scene.exec.kill('main');
  scene.local.write('web/src/main.txt', 'synced');
  const told = () =>
    scene.reports.filter((report) => report.type === 'note' && report.text.startsWith('not in a container yet'));
  await scene.until(() => told().length > 0);
  scene.local.write('web/src/main.txt', 'synced again');
  await scene.report('loop.decided', 1);
  scene.exec.refuse = undefined;
  // No pod changes: nothing but another try can find out.
  await scene.report('sync.done');
  assert.equal(scene.remote.read('app/main.txt'), 'synced again');
  assert.equal(told().length, 1);
});

test('a file that comes and goes faster than it is read leaves nothing behind, and the session goes on', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  for (let round = 0; round < 50; round++) {
    scene.local.write('web/src/brief.txt', `${round}`);
    scene.local.write('api/src/brief.txt', `${round}`);
    if (round % 2 === 0) await setImmediate();
    rmSync(scene.local.at('web/src/brief.txt'));
    rmSync(scene.local.at('api/src/brief.txt'));
    if (round % 3 === 0) await setImmediate();
  }
  scene.local.write('web/src/last.txt', 'here');
  await scene.until(() => scene.reports.some((report) => report.type === 'sync.done'));
  await scene.until(() => 'last.txt' in scene.remote.files('app'));
  assert.deepEqual(Object.keys(scene.remote.files('app')), ['last.txt']);
  assert.deepEqual(
    scene.reports.filter(({ type }) => type === 'failed'),
    [],
  );
});

test('a container that can not take a file leads to a build', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.remote.write('app/main.txt/in-the-way');
  scene.local.write('web/src/main.txt', 'two');
  const built = await scene.build('web', 1);
  // Whoever asks the container first: the save, or the look at a container that is still new.
  assert.match(built.because, /^(src\/main.txt changed|a new container can not take what was synced)$/);
  assert.match((await scene.report('warning')).text, /can't sync, needs a build/);
});

test('a container that can take no file at all is told once, and each save of its service builds', async () => {
  await using scene = new DevScene({ programs: {} });
  await scene.startUp();
  for (const [nth, text] of ['two', 'three'].entries()) {
    scene.local.write('web/src/main.txt', text);
    const built = await scene.build('web', nth + 1);
    assert.match(built.because, /, and its container can't be synced$/);
    built.finish(`storm/web:${text}`);
    await scene.report('loop.rebuilt', nth);
  }
  const warnings = scene.reports.filter(({ type }) => type === 'warning');
  assert.equal(warnings.length, 1);
});

test('a synced save while the container is in back-off is served by a build, not after the back-off', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.kube.crash('web', 3);
  scene.local.write('web/src/main.txt', 'mended');
  const built = await scene.build('web', 1);
  assert.match((await scene.report('warning')).text, /needs a build: web-\d+\/main is in back-off after exit code 3$/);
  built.finish('storm/web:two');
  assert.equal((await scene.report('loop.rebuilt')).service, 'web');
  assert.equal(scene.kube.imageOf('web'), 'storm/web:two');
});

test('a container that crashes on what it was synced is built once, until the next save', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('web/src/main.txt', 'broken');
  await scene.report('sync.done');
  scene.kube.crash('web', 1);
  (await scene.build('web', 1)).fail(new Failure('ship', 'the registry is away'));
  await scene.report('failed');
  scene.kube.crash('web', 1);
  scene.local.write('web/src/main.txt', 'mended');
  (await scene.build('web', 2)).finish('storm/web:two');
  await scene.report('loop.rebuilt');
  assert.equal(scene.builds.filter(({ service }) => service === 'web').length, 3);
});

test('a save that gives the image that is in back-off replaces its pod, and no other', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const uids = () => scene.kube.all('Pod').map(({ metadata }) => metadata.uid);
  scene.kube.crash('web', 1);
  const others = uids().length - 1;
  scene.local.write('web/src/main.txt', 'as it was');
  (await scene.build('web', 1)).finish('storm/web:one');
  await scene.until(() =>
    scene.reports.some((report) => report.type === 'note' && /its pod is replaced/.test(report.text)),
  );
  assert.equal(uids().length, others);
  assert.equal(
    scene.kube.all('Pod').some(({ metadata }) => metadata.name.startsWith('web-')),
    false,
  );
});

test('a file that is written after each build of it pauses its service until another file is saved', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const builds = () => scene.builds.filter(({ service }) => service === 'api');
  const warning = () => scene.reports.find(({ type }) => type === 'warning');
  let round = 0;
  do {
    scene.local.write('api/src/gen.txt', `${++round}`);
    await scene.until(() => warning() !== undefined || builds().length > round);
    builds()[round]?.finish(`storm/api:${round}`);
    if (!warning()) await scene.report('loop.rebuilt', round - 1);
  } while (!warning());
  const told = await scene.report('warning');
  assert.deepEqual([told.service, /src\/gen\.txt/.test(told.text)], ['api', true]);
  const before = builds().length;
  scene.local.write('web/src/main.txt', 'others go on');
  await scene.report('sync.done');
  assert.equal(builds().length, before);
  scene.local.write('api/src/main.txt', 'two');
  assert.equal((await scene.build('api', before)).because, 'src/main.txt changed');
});

test('what is ready without a service says so', async () => {
  await using scene = new DevScene();
  await scene.start();
  (await scene.build('web', 0)).finish('storm/web:one');
  (await scene.build('api', 0)).fail(new Failure('ship', "api: can't push it"));
  await scene.report('session.ready');
  const missing = await scene.report('warning');
  assert.deepEqual([missing.service, missing.text], ['api', 'not brought up: it has no image']);
  assert.equal(scene.reports.filter(({ type }) => type === 'warning').length, 1);
});

test('a failed build is a state of its service until a save mends it', async () => {
  await using scene = new DevScene();
  await scene.start();
  (await scene.build('api', 0)).fail(new Failure('build', 'RUN false'));
  (await scene.build('web', 0)).finish('storm/web:one');
  const failed = await scene.report('failed');
  assert.deepEqual([failed.service, failed.kind], ['api', 'build']);
  await scene.report('session.ready');
  assert.equal(scene.kube.find('Deployment', 'api'), undefined);
  scene.local.write('api/src/main.txt', 'mended');
  (await scene.build('api', 1)).finish('storm/api:two');
  await scene.report('loop.rebuilt');
  assert.equal(scene.kube.imageOf('api'), 'storm/api:two');
});

test('what was saved with a file whose build fails is brought by the next sync', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('web/src/main.txt', 'two');
  scene.local.write('web/src/main.go', 'broken');
  (await scene.build('web', 1)).fail(new Failure('build', 'RUN go build'));
  await scene.report('failed');
  scene.local.write('web/src/more.txt', 'three');
  await scene.report('sync.done');
  assert.deepEqual(scene.remote.files('app'), { 'main.txt': 'two', 'more.txt': 'three' });
});

test('what was saved with a file whose build waits is synced all the same', async () => {
  await using scene = new DevScene();
  scene.holds = (_, action) => (action === 'rebuild' ? '--no-build' : undefined);
  await scene.startUp();
  scene.local.write('web/src/main.txt', 'two');
  scene.local.write('web/src/main.go', 'new');
  await scene.report('loop.held');
  await scene.report('sync.done');
  assert.deepEqual(scene.remote.files('app'), { 'main.txt': 'two' });
});

test('a bug in a build is told, and its service can be built again', async () => {
  await using scene = new DevScene();
  await scene.start();
  (await scene.build('api', 0)).fail(new TypeError('x is not a function'));
  (await scene.build('web', 0)).finish('storm/web:one');
  assert.equal((await scene.report('failed')).kind, 'bug');
  await scene.report('session.ready');
  scene.local.write('api/src/main.txt', 'two');
  await scene.build('api', 1);
});

test('a broken Dockerfile is a state of its service, and does not keep a manifest from being applied', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('api/Dockerfile', 'COPY src /src\n');
  scene.local.write('infra/db.yaml', deployment('db', 'postgres:16'));
  await scene.until(() => scene.kube.imageOf('db') === 'postgres:16');
  const failed = await scene.report('failed');
  assert.deepEqual([failed.service, failed.kind], ['api', 'usage']);
  scene.local.write('api/Dockerfile', 'FROM alpine\nCOPY src /src\nCOPY lib /lib\n');
  (await scene.build('api', 1)).finish('storm/api:two');
  await scene.report('loop.rebuilt');
});

test('an image that goes to the cluster along with a manifest that was saved meanwhile is told as rebuilt', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('api/src/main.txt', 'two');
  const built = await scene.build('api', 1);
  scene.local.write('infra/api.yaml', deployment('api', 'storm/api', 'other'));
  scene.local.write('infra/db.yaml', deployment('db', 'postgres:16'));
  built.finish('storm/api:two');
  assert.equal((await scene.report('loop.rebuilt')).service, 'api');
});

test('what a changed Dockerfile reaches is watched from then on', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('api/lib/a.txt', 'one');
  scene.local.write('api/Dockerfile', 'FROM alpine\nCOPY src /src\nCOPY lib /lib\n');
  (await scene.build('api', 1)).finish('storm/api:two');
  await scene.report('loop.rebuilt');
  scene.local.write('api/lib/a.txt', 'two');
  assert.equal((await scene.build('api', 2)).because, 'lib/a.txt changed');
});

test('a manifest changes only the objects that it is about', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('infra/db.yaml', deployment('db', 'postgres:16'));
  await scene.until(() => scene.kube.imageOf('db') === 'postgres:16');
  const told = () => scene.reports.find((report) => report.type === 'deploy.applied' && report.changed.length > 0);
  await scene.until(() => told() !== undefined);
  const applied = told();
  assert.ok(applied?.type === 'deploy.applied');
  assert.deepEqual([applied.changed.map(({ name }) => name), applied.created, applied.unchanged], [['db'], [], 2]);
  assert.equal(scene.builds.length, 2);
});

test('a workload that somebody else deleted is told, once, and one that only lost its pod is not', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const [web, db] = ['web', 'db'].map((name) => scene.kube.find('Deployment', name));
  assert.ok(web && db);
  const removePod = (name: string) => {
    for (const pod of scene.kube.all('Pod')) if (pod.metadata.name.startsWith(`${name}-`)) scene.kube.remove(pod);
  };
  removePod('db');
  scene.kube.remove(web);
  removePod('web');
  const warning = await scene.report('warning');
  assert.equal(warning.text, 'deployment/web was deleted by somebody else');
  const asked = () =>
    scene.kube.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('/deployments/db'));
  await scene.until(() => asked().length > 0);
  scene.local.write('infra/db.yaml', `# the same\n${scene.local.read('infra/db.yaml')}`);
  await scene.until(() => scene.kube.find('Deployment', 'web') !== undefined);
  assert.equal(scene.reports.filter(({ type }) => type === 'warning').length, 1);
});

/** As the real one: the pods first, and the rest, with the inventory, when it ends. @returns what ends it. */
function deleteNamespace(kube: DevScene['kube']): () => void {
  const namespace = kube.find('Namespace', 'storm') ?? assert.fail();
  const metadata = {
    ...namespace.metadata,
    deletionTimestamp: '2026-01-01T00:00:00Z',
    finalizers: ['kubernetes'],
  };
  const going = kube.put({ ...namespace, metadata });
  for (const pod of kube.all('Pod')) kube.remove(pod);
  return () => {
    for (const object of kube.all()) if (object.metadata.namespace === 'storm') kube.remove(object);
    kube.remove(going);
  };
}

const isOfNamespace = (report: Report) =>
  (report.type === 'deploy.waiting' || report.type === 'deploy.ready') && report.object.kind === 'Namespace';

const isWhole = ({ kube }: DevScene) =>
  ['web', 'api', 'db'].every((name) => kube.find('Deployment', name) !== undefined);

test('a namespace that somebody else deletes is waited for, and comes back with everything by itself', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const end = deleteNamespace(scene.kube);
  await scene.until(() => scene.reports.some(isOfNamespace));
  const applied = () => scene.reports.filter(({ type }) => type === 'deploy.applied');
  const before = applied().length;
  end();
  await scene.until(() => applied().length > before && isWhole(scene));
  assert.deepEqual(
    scene.reports.filter(isOfNamespace).map(({ type }) => type),
    ['deploy.waiting', 'deploy.ready'],
  );
  assert.ok(scene.kube.find('ConfigMap', 'stormctl-storm'), 'the inventory is written anew');
  assert.deepEqual(
    scene.reports.flatMap((report) => (report.type === 'warning' ? [report.text] : [])),
    [
      'namespace/storm was deleted by somebody else, with everything in it: all is applied again as soon as it has gone',
    ],
  );
  assert.equal(scene.builds.length, 2);
});

test('a namespace that is deleted once more soon after is left alone until a save', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  deleteNamespace(scene.kube)();
  await scene.until(() => isWhole(scene) && scene.kube.all('Pod').length === 3);
  deleteNamespace(scene.kube)();
  const { text } = await scene.report('warning', 1);
  assert.match(text, /^namespace\/storm was deleted by somebody else once more/);
  assert.equal(scene.kube.find('Namespace', 'storm'), undefined);
  scene.local.write('infra/db.yaml', `# the same\n${scene.local.read('infra/db.yaml')}`);
  await scene.until(() => isWhole(scene));
  assert.equal(scene.reports.filter(({ type }) => type === 'warning').length, 2);
});

test('a namespace that is gone with its cluster is not made in another one', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const { kube } = scene;
  const end = deleteNamespace(kube);
  const system = kube.find('Namespace', 'kube-system') ?? assert.fail();
  kube.remove(system);
  kube.put({ ...system, metadata: { name: 'kube-system' } });
  end();
  assert.equal((await scene.report('failed')).kind, 'guard');
  assert.equal(kube.find('Namespace', 'storm'), undefined);
});

test('with restoreNamespace: false a namespace that is deleted is told, once, and a save makes it again', async () => {
  await using scene = new DevScene();
  await scene.startUp({ restoreNamespace: false });
  const { kube } = scene;
  const end = deleteNamespace(kube);
  const warning = await scene.report('warning');
  assert.equal(warning.text, 'namespace/storm was deleted by somebody else, with everything in it');
  scene.local.write('infra/db.yaml', `# the same\n${scene.local.read('infra/db.yaml')}`);
  await scene.until(() => scene.reports.some(isOfNamespace));
  end();
  await scene.until(() => isWhole(scene));
  assert.deepEqual(
    scene.reports.filter(isOfNamespace).map(({ type }) => type),
    ['deploy.waiting', 'deploy.ready'],
  );
  assert.ok(kube.find('ConfigMap', 'stormctl-storm'), 'the inventory is written anew');
  assert.equal(scene.reports.filter(({ type }) => type === 'warning').length, 1);
});

test('a save of a manifest puts back what somebody else deleted', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const web = scene.kube.find('Deployment', 'web');
  assert.ok(web);
  scene.kube.remove(web);
  scene.local.write('infra/db.yaml', `# the same\n${scene.local.read('infra/db.yaml')}`);
  await scene.until(() => scene.kube.find('Deployment', 'web') !== undefined);
});

test('a manifest that can not be read changes nothing until it can', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('infra/db.yaml', 'kind: [');
  assert.equal((await scene.report('failed')).kind, 'usage');
  scene.local.write('infra/db.yaml', deployment('db', 'postgres:16'));
  await scene.until(() => scene.kube.imageOf('db') === 'postgres:16');
});

test('an object that left the manifests is applied again when it is back', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const before = scene.local.read('infra/db.yaml');
  rmSync(scene.local.at('infra/db.yaml'));
  await scene.until(() => scene.kube.find('Deployment', 'db') === undefined);
  scene.local.write('infra/db.yaml', before);
  await scene.until(() => scene.kube.find('Deployment', 'db') !== undefined);
});

test('what never became ready is not waited for once no manifest has it', async () => {
  await using scene = new DevScene();
  scene.kube.stuck.add('db');
  await scene.start({ steps: ['infra/db*.yaml', 'infra/{web,api}.yaml'] });
  for (const name of ['web', 'api']) (await scene.build(name, 0)).finish(`storm/${name}:one`);
  await scene.until(() => scene.reports.some(({ type }) => type === 'deploy.waiting'));
  assert.equal(scene.kube.find('Deployment', 'web'), undefined);
  scene.local.write('infra/db.yaml', deployment('db2', 'postgres:16'));
  await scene.report('session.ready');
  assert.equal(scene.kube.find('Deployment', 'db'), undefined);
  assert.equal(scene.kube.imageOf('web'), 'storm/web:one');
});

test('an object that the cluster refused is tried again, even by a build that gives the same image', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const isApi = ({ method, path }: { method: string; path: string }) => method === 'PATCH' && path.endsWith('/api');
  scene.kube.failNext(isApi, refusal('PATCH', '/api', 403, 'Forbidden', 'exceeded quota'));
  scene.local.write('api/src/main.txt', 'two');
  (await scene.build('api', 1)).finish('storm/api:two');
  const failed = await scene.report('failed');
  assert.deepEqual([failed.service, failed.refused?.kind, failed.refused?.name], ['api', 'Deployment', 'api']);
  assert.equal(scene.kube.imageOf('api'), 'storm/api:one');
  scene.local.write('api/src/main.txt', 'three');
  (await scene.build('api', 2)).finish('storm/api:two');
  await scene.report('loop.rebuilt');
  assert.equal(scene.kube.imageOf('api'), 'storm/api:two');
});

test('an image that did not change is told, and nothing is applied', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const requests = scene.kube.patched.length;
  scene.local.write('api/src/main.txt', 'two');
  (await scene.build('api', 1)).finish('storm/api:one');
  assert.equal((await scene.report('loop.unchanged')).service, 'api');
  assert.equal(scene.kube.patched.length, requests);
});

test('a bring-up that failed is begun anew when the manifests change', async () => {
  await using scene = new DevScene();
  const isFirst = ({ path }: { path: string }) => path.endsWith('/kube-system');
  await scene.start({ steps: ['infra/db*.yaml', 'infra/{web,api}.yaml'] });
  scene.kube.failNext(isFirst, new Failure('guard', 'another cluster'));
  for (const name of ['web', 'api']) (await scene.build(name, 0)).finish(`storm/${name}:one`);
  assert.equal((await scene.report('failed')).kind, 'guard');
  scene.local.write('infra/db.yaml', deployment('db', 'postgres:16'));
  await scene.report('session.ready');
  assert.equal(scene.kube.imageOf('web'), 'storm/web:one');
});

test('the cluster being away is told, outlasted, and told to be over', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const isApi = ({ method, path }: { method: string; path: string }) => method === 'PATCH' && path.endsWith('/api');
  scene.kube.failNext(isApi, new Failure('unreachable', 'connection refused'), 2);
  scene.local.write('api/src/main.txt', 'two');
  (await scene.build('api', 1)).finish('storm/api:two');
  assert.equal((await scene.report('session.lost')).what, 'the cluster');
  await scene.report('session.resumed');
  await scene.report('loop.rebuilt');
  assert.equal(scene.kube.imageOf('api'), 'storm/api:two');
});

test('a newer save does not wait for an engine that is away', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.local.write('api/src/main.txt', 'two');
  (await scene.build('api', 1)).fail(new Failure('unreachable', "can't reach the Docker engine"));
  assert.equal((await scene.report('session.lost')).what, 'the Docker engine');
  scene.local.write('api/src/main.txt', 'three');
  await scene.report('build.aborted');
  await scene.until(() => scene.builds.filter(({ service }) => service === 'api').length > 2);
  scene.builds.at(-1)?.finish('storm/api:three');
  await scene.report('loop.rebuilt');
});

test('a config with a mistake keeps the session, and what else was saved with it counts', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.reconfigure = () => Promise.reject(new Failure('usage', 'unknown key servces'));
  scene.local.write('stormctl.yaml', 'servces: {}');
  scene.local.write('api/src/main.txt', 'two');
  assert.equal((await scene.report('failed')).message, 'unknown key servces');
  (await scene.build('api', 1)).finish('storm/api:two');
  await scene.report('loop.rebuilt');
});

test('a config that was saved and says the same changes nothing, and says so', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.reconfigure = () => Promise.resolve(undefined);
  scene.local.write('stormctl.yaml', '# a comment');
  assert.equal((await scene.report('note')).text, 'stormctl.yaml saved: nothing changes');
  scene.local.write('api/src/main.txt', 'two');
  (await scene.build('api', 1)).finish('storm/api:two');
  await scene.report('loop.rebuilt');
});

test('a config that is right ends the loop with the new project, and its builds', async () => {
  await using scene = new DevScene();
  await scene.start();
  const web = await scene.build('web', 0);
  const fresh = { ...scene.project, name: 'fresh' };
  scene.reconfigure = () => Promise.resolve(fresh);
  scene.local.write('stormctl.yaml', 'name: fresh');
  assert.equal(await scene.ended, fresh);
  assert.equal(web.signal.aborted, true);
});

test('a service that was not asked for is built once and not watched', async () => {
  await using scene = new DevScene();
  await scene.startUp({ selection: ['web'] });
  scene.local.write('api/src/main.txt', 'two');
  scene.local.write('web/Dockerfile', 'FROM alpine\nCOPY src /src\nUSER 1\n');
  await scene.build('web', 1);
  assert.deepEqual(scene.builds.map(({ service }) => service).sort(), ['api', 'web', 'web']);
});

test('a saved ConfigMap reaches the cluster before what uses it, whose pods are made anew, and whose wait is told', async () => {
  await using scene = new DevScene();
  const settings = (word: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { word: ${word} }\n`;
  const db = deployment('db', 'postgres:15').replace(
    'name: main,',
    'name: main, envFrom: [{ configMapRef: { name: settings } }],',
  );
  scene.local.write('infra/db.yaml', `${db}---\n${settings('one')}`);
  await scene.startUp();
  const before = scene.kube.requests.length;
  scene.local.write('infra/db.yaml', `${db}---\n${settings('two')}`);
  const restarts = await scene.report('deploy.restarts');
  assert.deepEqual([restarts.object.name, restarts.because.map(({ name }) => name)], ['db', ['settings']]);
  const written = scene.kube.requests
    .slice(before)
    .filter(({ method, path }) => method === 'PATCH' && /db|sett/.test(path));
  assert.deepEqual(
    written.map(({ path }) => path.split('/').at(-1)),
    ['settings', 'db'],
  );
  await scene.until(() => {
    const { length } = scene.reports.filter((report) => report.type === 'deploy.ready' && report.object.name === 'db');
    return length === 2;
  });
  assert.equal(scene.builds.length, 2);
});

test('a program that loads its files once is said to be older than what was synced, and so once', async () => {
  await using scene = new DevScene();
  scene.local.write('web/Dockerfile', 'FROM node\nCOPY src /src\nCMD ["node", "/src/main.js"]\n');
  scene.local.write('web/src/main.js', 'one');
  await scene.startUp();
  scene.local.write('web/src/main.txt', 'two');
  await scene.report('sync.done');
  scene.local.write('web/src/main.js', 'two');
  const told = await scene.report('warning');
  assert.equal(told.service, 'web');
  assert.match(told.text, /^src\/main\.js is in the container, but node loads it only when it starts/);
  assert.match(told.next ?? '', /afterSync: \{ restart: true \}/);
  scene.local.write('web/src/main.js', 'three');
  await scene.report('sync.done', 2);
  scene.local.write('web/src/main.js', 'four');
  await scene.report('sync.done', 3);
  assert.equal(scene.reports.filter(({ type }) => type === 'warning').length, 1);
});
