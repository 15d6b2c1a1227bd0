import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { test as nodeTest } from 'node:test';
import { FollowUps } from '../../../src/dev/follow-ups.ts';
import type { Report } from '../../../src/events.ts';
import type { ExecEnd } from '../../../src/kube/kube.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { serviceOf } from '../../support/context-folder.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { DevScene } from './scene.ts';
import { until } from '../../support/until.ts';

const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

/** A command that says what it finds of a file when it runs. */
const say = (scene: DevScene, more = '') => ({
  kind: 'exec' as const,
  command: [
    'node',
    '-e',
    `console.log('found ' + fs.readFileSync(${JSON.stringify(scene.remote.at('app/main.txt'))})); ${more}`,
  ],
});

test('a command runs in a container when it has the files, and the line of the sync tells', async () => {
  await using scene = new DevScene();
  await scene.startUp({ afterSync: say(scene) });
  scene.local.write('web/src/main.txt', 'two');
  const done = await scene.report('sync.done');
  assert.equal(done.after?.action, 'exec');
  assert.equal(done.after?.readyMs, undefined);
  const { pod, ...told } = await scene.report('sync.output');
  assert.match(pod, /^web-/);
  assert.deepEqual(told, { type: 'sync.output', service: 'web', container: 'main', line: 'found two' });
});

test('batches that come close together, or while it runs, are followed up once', async () => {
  const [started, ends]: [string[], (() => void)[]] = [[], []];
  const kube = new FakeKube({
    exec: async ({ command }) => {
      started.push(command.join(' '));
      const promise = new Promise<ExecEnd>((resolve) => {
        ends.push(() => resolve({ exitCode: 0, message: undefined }));
      });
      const nothing = Readable.from([]);
      const unused = () => Promise.reject(new Error('it has no input'));
      const end = async () => {};
      return {
        write: unused,
        endInput: unused,
        stdout: nothing,
        stderr: nothing,
        ended: promise,
        [Symbol.asyncDispose]: end,
      };
    },
  });
  await using scope = new Scope();
  const reports: Report[] = [];
  const news = new EventEmitter();
  const report = (each: Report) => {
    reports.push(each);
    news.emit('news');
  };
  const target = { namespace: 'storm', pod: 'web-1', container: 'main', containerId: 'c1' };
  const followUps = new FollowUps({ kube, report, scope, targets: () => [target] });
  const build = { context: '/', dockerfile: '/Dockerfile', target: undefined, args: {}, network: undefined };
  const service = { ...serviceOf('web', 'web', build), afterSync: { kind: 'exec', command: ['gen'] } } as const;
  const sync = (files: number) =>
    followUps.synced(service, { type: 'sync.done', service: 'web', files, containers: 1, ms: 1 }, [target]);
  const followed = async (count: number) => {
    while (reports.filter((each) => each.type === 'sync.done' && each.after).length < count) await once(news, 'news');
  };
  for (const files of [1, 2, 3]) sync(files);
  await until(() => ends.length === 1);
  for (const files of [4, 5]) sync(files);
  ends[0]?.();
  await followed(1);
  await until(() => ends.length === 2);
  ends[1]?.();
  await followed(2);
  assert.deepEqual(started, ['gen', 'gen']);
  const told = reports.flatMap((each) => (each.type === 'sync.done' ? [[each.files, each.after !== undefined]] : []));
  assert.deepEqual(
    told.toSorted(([a = 0], [b = 0]) => Number(a) - Number(b)),
    [
      [1, false],
      [2, false],
      [3, true],
      [4, false],
      [5, true],
    ],
  );
});

test('a command that fails is a warning beside what it prints, and the files are synced all the same', async () => {
  await using scene = new DevScene();
  await scene.startUp({ afterSync: say(scene, "console.error('no such table'); process.exit(3)") });
  scene.local.write('web/src/main.txt', 'two');
  const done = await scene.report('sync.done');
  assert.equal(done.after, undefined);
  const { service, text } = await scene.report('warning');
  assert.equal(service, 'web');
  assert.match(text, /^afterSync: web-\d\/main: node .* ended with exit code 3$/s);
  const lines = [await scene.report('sync.output'), await scene.report('sync.output', 1)].map(({ line }) => line);
  assert.deepEqual(lines.sort(), ['found two', 'no such table']);
  assert.equal(scene.builds.length, 2);
});

test('a command that fails without a word has its own exit code', async () => {
  await using scene = new DevScene();
  await scene.startUp({ afterSync: say(scene, 'process.exit(3)') });
  scene.local.write('web/src/main.txt', 'two');
  assert.match((await scene.report('warning')).text, / ended with exit code 3$/);
});

test('a new container that gets what was synced before is followed up too', async () => {
  await using scene = new DevScene();
  await scene.startUp({ afterSync: say(scene) });
  scene.local.write('web/src/main.txt', 'two');
  const first = await scene.report('sync.output');
  rmSync(scene.remote.at('app/main.txt'));
  scene.kube.restart('web');
  const { pod, line } = await scene.report('sync.output', 1);
  assert.notEqual(pod, first.pod);
  assert.equal(line, 'found two');
});

test('a container that was not started under a supervisor can not be restarted, and says so', async () => {
  await using scene = new DevScene();
  await scene.startUp({ afterSync: { kind: 'restart' } });
  scene.local.write('web/src/main.txt', 'two');
  assert.match((await scene.report('warning')).text, /it has no supervisor/);
});
