import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test as nodeTest } from 'node:test';
import { Desk } from '../../../src/dev/desk.ts';
import { Failure } from '../../../src/errors.ts';
import type { Asked, Report } from '../../../src/events.ts';
import { Channel } from '../../../src/lib/channel.ts';
import { deployment, DevScene } from './scene.ts';
import { until } from '../../support/until.ts';

/** What never comes fails its own test. */
const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

const manual = (service: string) => (service === 'web' ? 'trigger: manual' : undefined);
const noBuild = (_service: string, action: string) => (action === 'rebuild' ? '--no-build' : undefined);

test('a rebuild that is asked for builds one service, or all', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.ask({ type: 'rebuild', service: 'api' });
  const built = await scene.build('api', 1);
  assert.equal(built.because, 'you asked for it');
  built.finish('storm/api:two');
  assert.equal((await scene.report('loop.rebuilt')).service, 'api');
  assert.equal(scene.builds.length, 3);
  scene.ask({ type: 'rebuild', service: undefined });
  await scene.build('web', 1);
  await scene.build('api', 2);
});

test('a restart that is asked for is told from its beginning to its end, and a failed one is a state', async () => {
  await using scene = new DevScene();
  const restarted: string[] = [];
  scene.restart = async (service) => {
    if (service === 'api') throw new Failure('usage', 'nothing makes another pod of it');
    restarted.push(service);
  };
  await scene.startUp();
  scene.ask({ type: 'restart', service: undefined });
  assert.equal((await scene.report('loop.restarted')).service, 'web');
  assert.deepEqual(restarted, ['web']);
  const failed = await scene.report('failed');
  assert.deepEqual([failed.service, failed.message], ['api', 'nothing makes another pod of it']);
  assert.deepEqual(
    [(await scene.report('loop.restarting', 0)).service, (await scene.report('loop.restarting', 1)).service],
    ['web', 'api'],
  );
});

test('a redeploy that is asked for puts back what somebody else deleted', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  const web = scene.kube.find('Deployment', 'web');
  assert.ok(web);
  scene.kube.remove(web);
  scene.ask({ type: 'redeploy' });
  await scene.until(() => scene.kube.find('Deployment', 'web') !== undefined);
  assert.equal(scene.renders, 1);
});

test('while it is paused saves do nothing but count, and all of them are decided when it goes on', async () => {
  await using scene = new DevScene();
  await scene.startUp();
  scene.ask({ type: 'pause' });
  await scene.report('loop.paused');
  scene.local.write('web/src/main.txt', 'two');
  assert.deepEqual((await scene.report('loop.held')).paths, ['web/src/main.txt']);
  scene.local.write('web/src/new.txt', 'new');
  await scene.report('loop.held', 1);
  rmSync(scene.local.at('web/src/main.txt'));
  scene.local.write('infra/db.yaml', deployment('db', 'postgres:16'));
  const counts = () => scene.reports.flatMap((report) => (report.type === 'loop.held' ? [report.paths.length] : []));
  await scene.until(() => counts().at(-1) === 3);
  assert.equal(
    scene.reports.some(({ type }) => type === 'loop.decided'),
    false,
  );
  assert.equal(scene.kube.imageOf('db'), 'postgres:15');

  scene.ask({ type: 'pause' });
  assert.equal((await scene.report('loop.resumed')).files, 3);
  await scene.until(() => scene.kube.imageOf('db') === 'postgres:16');
  assert.equal((await scene.report('sync.done')).files, 2);
  assert.equal(scene.remote.read('app/new.txt'), 'new');
  assert.throws(() => scene.remote.read('app/main.txt'), /ENOENT/);
  scene.local.write('api/src/main.txt', 'two');
  await scene.build('api', 1);
});

test('with trigger: manual changes wait, counted once each, until a rebuild is asked for', async () => {
  await using scene = new DevScene();
  scene.holds = manual;
  await scene.startUp();
  scene.local.write('web/src/main.txt', 'two');
  const held = await scene.report('loop.held');
  assert.deepEqual(
    [held.service, held.paths, held.because, held.next],
    ['web', ['src/main.txt'], 'trigger: manual', 'press r to rebuild'],
  );
  scene.local.write('web/src/main.txt', 'three');
  scene.local.write('web/src/other.txt', 'new');
  await scene.until(() => scene.reports.some((report) => report.type === 'loop.held' && report.paths.length === 2));
  scene.local.write('api/src/main.txt', 'two');
  await scene.build('api', 1);
  assert.equal(scene.builds.length, 3, 'web is not built, and api is');

  scene.ask({ type: 'rebuild', service: 'web' });
  (await scene.build('web', 1)).finish('storm/web:two');
  await scene.report('loop.rebuilt');
  const before = scene.reports.filter(({ type }) => type === 'loop.held').length;
  scene.local.write('web/src/other.txt', 'newer');
  assert.deepEqual((await scene.report('loop.held', before)).paths, ['src/other.txt'], 'what was built waits no more');
});

test('with --no-build files are synced, and what needs a build waits, even where a sync asks for it', async () => {
  await using scene = new DevScene();
  scene.holds = noBuild;
  await scene.startUp();
  scene.local.write('web/src/main.txt', 'synced');
  await scene.report('sync.done');
  scene.local.write('api/src/main.txt', 'two');
  assert.equal((await scene.report('loop.held')).service, 'api');
  rmSync(scene.remote.at('app/main.txt'));
  scene.remote.write('app/main.txt/in-the-way');
  scene.local.write('web/src/main.txt', 'three');
  const held = await scene.report('loop.held', 1);
  assert.deepEqual([held.service, held.paths], ['web', ['src/main.txt']]);
  assert.equal(scene.builds.length, 2);
});

test('what is asked while no loop runs is answered', async () => {
  const reports: Report[] = [];
  const ending = new AbortController();
  const desk = new Desk((report) => reports.push(report), ending.signal);
  const asked = new Channel<Asked>();
  const texts = () => reports.map((report) => (report.type === 'answer' ? report.text : report.type));
  const got: Asked[] = [];
  const reading = desk.read(asked, new AbortController().signal);
  asked.push({ type: 'redeploy' });
  await until(() => reports.length === 1);
  {
    using _ = desk.open({ ask: (one) => got.push(one) });
    asked.push({ type: 'pause' });
    await until(() => got.length === 1);
  }
  asked.push({ type: 'redeploy' });
  await until(() => reports.length === 2);
  ending.abort();
  asked.push({ type: 'redeploy' });
  asked.close();
  await reading;
  assert.deepEqual(texts(), [
    'not now: the session is starting',
    'not now: the session is starting',
    'not now: the session is ending',
  ]);
  assert.deepEqual(got, [{ type: 'pause' }]);
});
