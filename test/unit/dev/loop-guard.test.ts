import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../../../src/dev/decide.ts';
import { LoopGuard } from '../../../src/dev/loop-guard.ts';
import type { Report } from '../../../src/events.ts';

const rebuild = (service: string, path: string): Decision => ({
  action: 'rebuild',
  service,
  paths: [path],
  because: 'Dockerfile:2',
});

const sync = (path: string, removed = false): Decision => {
  const files = [{ from: `/here/${path}`, to: `/app/${path}`, root: '/app' }];
  const lists = removed ? { changed: [], removed: files } : { changed: files, removed: [] };
  return { action: 'sync', service: 'web', paths: [path], because: 'a rule', ...lists };
};

function start() {
  const reports: Report[] = [];
  const guard = new LoopGuard((report) => reports.push(report));
  return { guard, reports };
}

/** Answers builds of `web` until it is paused. */
function loop(guard: LoopGuard, decision: Decision): void {
  let at = 0;
  guard.pass([decision], at);
  for (let round = 0; round < 5; round++) {
    guard.begun('web', at);
    guard.ending('web')((at += 2000));
    guard.pass([decision], (at += 300));
  }
}

test('a service in a loop is paused, its file named, and the others are not', () => {
  const { guard, reports } = start();
  loop(guard, rebuild('web', 'src/gen.ts'));
  assert.equal(reports.length, 1);
  const [warning] = reports;
  assert.ok(warning?.type === 'warning');
  assert.equal(warning.service, 'web');
  assert.match(warning.text, /paused: something writes src\/gen\.ts again and again/);
  assert.match(warning.next ?? '', /a save of another file of web, or a rebuild that you ask for, goes on/);
  assert.deepEqual(guard.pass([rebuild('web', 'src/gen.ts')], 20_000), []);
  const other = rebuild('api', 'src/gen.ts');
  const reload: Decision = { action: 'reload', paths: ['/stormctl.yaml'], because: '' };
  assert.deepEqual(guard.pass([other, reload], 20_000), [other, reload]);
  assert.equal(reports.length, 1, 'it is said once');
});

test('a save of another file goes on with the service', () => {
  const { guard, reports } = start();
  loop(guard, rebuild('web', 'src/gen.ts'));
  const other = rebuild('web', 'src/main.ts');
  assert.deepEqual(guard.pass([other], 20_000), [other]);
  assert.deepEqual(reports.at(-1), { type: 'note', service: 'web', text: 'goes on: src/main.ts was saved' });
  assert.deepEqual(guard.pass([rebuild('web', 'src/gen.ts')], 30_000).length, 1);
});

test('a person who asks for a rebuild goes on with the service, and it is counted anew', () => {
  const { guard, reports } = start();
  loop(guard, rebuild('web', 'src/gen.ts'));
  guard.resume('web');
  assert.equal(guard.pass([rebuild('web', 'src/gen.ts')], 20_000).length, 1);
  assert.equal(reports.length, 1);
  loop(guard, rebuild('web', 'src/gen.ts'));
  assert.equal(reports.length, 2, 'and noticed again');
});

test('what was held of files that are synced is synced with the save that goes on, or built with it', () => {
  for (const last of [sync('main.ts'), rebuild('web', 'package.json')]) {
    const { guard } = start();
    loop(guard, sync('gen.ts'));
    guard.pass([sync('gen.ts', true)], 20_000);
    const passed = guard.pass([last], 21_000);
    assert.equal(passed.length, 1);
    const [decision] = passed;
    if (last.action === 'rebuild') {
      assert.ok(decision?.action === 'rebuild' && decision.along);
      assert.deepEqual(decision.paths, last.paths);
      assert.deepEqual(
        decision.along.changed.map(({ to }) => to),
        ['/app/gen.ts'],
        'the build may fail',
      );
    } else
      assert.deepEqual(decision?.action === 'sync' && decision.changed.map(({ to }) => to), [
        '/app/gen.ts',
        '/app/main.ts',
      ]);
  }
});

test('what is held keeps its changes of mode, and can be brought although a person asked for a build', () => {
  const { guard } = start();
  const gen = sync('gen.ts');
  assert.ok(gen.action === 'sync');
  loop(guard, gen);
  guard.pass([{ ...gen, changed: gen.changed.map((file) => ({ ...file, modeChanged: true })) }], 20_000);
  guard.pass([gen], 20_100);
  const held = guard.resume('web');
  assert.deepEqual(held?.changed, [{ from: '/here/gen.ts', to: '/app/gen.ts', root: '/app', modeChanged: true }]);
  assert.equal(guard.resume('web'), undefined);
});

test('a build that ends while a newer one runs does not end that one', () => {
  const { guard, reports } = start();
  let at = 0;
  for (let round = 0; round < 10; round++) {
    guard.begun('web', at);
    const end = guard.ending('web');
    guard.begun('web', at + 100);
    end(at + 200);
    // Long after the first, while the second runs: only then is it an answer, evenly so.
    guard.pass([rebuild('web', 'src/gen.ts')], (at += 3000));
  }
  assert.equal(reports.length, 1);
});
