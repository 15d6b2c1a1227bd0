import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Failure, Failures } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { formatReport } from '../../../src/terminal/format-report.ts';
import { createStyle, formatMs, wantsColours } from '../../../src/terminal/style.ts';
import { Terminal, type TerminalOptions } from '../../../src/terminal/terminal.ts';

const plain = createStyle(false);
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' };

function open(options: Partial<TerminalOptions> = {}) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const terminal = new Terminal({
    output: 'text',
    detail: 'normal',
    colour: 'auto',
    streams: true,
    stdout,
    stderr,
    env: {},
    ...options,
  });
  const out = () => {
    terminal[Symbol.dispose]();
    return String(stdout.read() ?? '');
  };
  return { terminal, stdout, stderr, out, err: () => String(stderr.read() ?? '') };
}

test('durations read as a person would say them', () => {
  assert.deepEqual([0.4, 999, 999.7, 1234, 99_940, 100_000, 125_000].map(formatMs), [
    '0 ms',
    '999 ms',
    '1.0 s',
    '1.2 s',
    '99.9 s',
    '1 min 40 s',
    '2 min 5 s',
  ]);
});

test('--color decides, then NO_COLOR and FORCE_COLOR, then whether somebody sees them', () => {
  assert.equal(wantsColours({ isTTY: true }, {}, 'auto'), true);
  assert.equal(wantsColours({ isTTY: true }, { NO_COLOR: '1' }, 'auto'), false);
  assert.equal(wantsColours({ isTTY: true }, { NO_COLOR: '' }, 'auto'), true);
  assert.equal(wantsColours({ isTTY: true }, { FORCE_COLOR: '1' }, 'never'), false);
  assert.equal(wantsColours({}, {}, 'auto'), false);
  assert.equal(wantsColours({}, { FORCE_COLOR: '1' }, 'auto'), true);
  assert.equal(wantsColours({}, { NO_COLOR: '1' }, 'always'), true);
});

test('a failure says what, where, detail and next, in that order', () => {
  const { terminal, err } = open();
  const code = terminal.fail(
    new Failure('build', 'web: the build failed', { where: 'Dockerfile:3', detail: 'one\ntwo', next: 'mend it' }),
  );
  assert.equal(code, 3);
  assert.equal(err(), '✗ web: the build failed\n  at Dockerfile:3\n  │ one\n  │ two\n  → mend it\n');
});

test('several failures are all shown, and end with the code of the first', () => {
  const { terminal, err } = open();
  const code = terminal.fail(new Failures([new Failure('usage', 'first'), new Failure('usage', 'second')]));
  assert.equal(code, 2);
  assert.equal(err(), '✗ first\n✗ second\n');
});

test('an error that is no Failure is called a bug and ends with 70', () => {
  const { terminal, err } = open();
  assert.equal(terminal.fail(new TypeError('x is undefined')), 70);
  assert.match(err(), /stormctl hit a bug: x is undefined/);
});

test('json streams a line a report, with a version and a time', () => {
  const { terminal, out } = open({ output: 'json' });
  terminal.report({ type: 'build.started', service: 'web', because: 'first build' });
  const { time, ...rest } = JSON.parse(out()) as Record<string, unknown>;
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.deepEqual(rest, { version: 1, type: 'build.started', service: 'web', because: 'first build' });
});

test('json of a command that ends is one object, and an error is one too', () => {
  const { terminal, out } = open({ output: 'json', streams: false });
  terminal.report({ type: 'build.started', service: 'web', because: 'first build' });
  assert.equal(out(), '');
  terminal.result('', { built: 1 });
  assert.deepEqual(JSON.parse(out()), { version: 1, ok: true, built: 1 });
  terminal.fail(new Failure('guard', 'not yours', { next: 'name it' }));
  assert.deepEqual(JSON.parse(out()), {
    version: 1,
    ok: false,
    exitCode: 7,
    errors: [{ kind: 'guard', message: 'not yours', next: 'name it' }],
  });
});

test('quiet leaves failures and warnings, verbose adds the build output', () => {
  const output: Report = { type: 'build.output', service: 'web', line: 'npm ci' };
  const built: Report = { type: 'build.done', service: 'web', image: 'web:1', cached: false, ms: 10 };
  const warning: Report = { type: 'warning', text: 'careful' };
  assert.deepEqual(formatReport(output, plain, 'normal'), []);
  assert.deepEqual(formatReport(output, plain, 'verbose'), ['web   npm ci']);
  assert.deepEqual(formatReport(built, plain, 'quiet'), []);
  assert.deepEqual(formatReport(warning, plain, 'quiet'), ['! careful']);
  const said: Report = { type: 'sync.output', service: 'web', pod: 'web-1', container: 'main', line: 'no such table' };
  assert.deepEqual(formatReport(said, plain, 'quiet'), ['web no such table']);
});

test('quiet names what was pruned, and nothing else that an apply or a delete did', () => {
  const ids = (...names: readonly string[]) => names.map((name) => ({ apiVersion: 'v1', kind: 'Service', name }));
  const nothing = {
    type: 'deploy.applied',
    created: [],
    changed: [],
    replaced: [],
    pruned: [],
    unchanged: 0,
    ms: 5,
  } as const;
  const quiet = (report: Exclude<Report, { type: 'log' }>) => formatReport(report, plain, 'quiet');
  assert.deepEqual(quiet({ ...nothing, created: ids('a'), changed: ids('b') }), []);
  assert.deepEqual(quiet({ ...nothing, created: ids('a'), pruned: ids('b', 'c') }), ['pruned service/b, service/c']);
  const many = ids(...Array.from({ length: 32 }, (_, index) => `s${index}`));
  assert.match(quiet({ ...nothing, pruned: many })[0] ?? '', /^pruned service\/s0, .*, service\/s29, and 2 more$/);
  assert.deepEqual(quiet({ type: 'deploy.deleted', object: { apiVersion: 'v1', kind: 'Service', name: 'a' } }), []);
});

test('a shipped image is told by its tag, and whole when every detail is asked for', () => {
  const image = 'localhost:5000/storm/web:stormctl-0123456789ab@sha256:feed';
  const shipped: Report = { type: 'ship.done', service: 'web', image, how: 'push', ms: 120 };
  assert.deepEqual(formatReport(shipped, plain, 'normal'), ['web pushed stormctl-0123456789ab in 120 ms']);
  assert.deepEqual(formatReport(shipped, plain, 'verbose'), [`web pushed ${image} in 120 ms`]);
  assert.deepEqual(formatReport({ ...shipped, how: 'present' }, plain, 'normal'), []);
});

test('an apply that changed nothing is one short line, and one that did names its objects', () => {
  const applied = {
    type: 'deploy.applied',
    created: [],
    changed: [],
    replaced: [],
    unchanged: 12,
    pruned: [],
    ms: 40,
  } as const;
  assert.deepEqual(formatReport(applied, plain, 'normal'), ['applied 12 unchanged in 40 ms']);
  assert.deepEqual(formatReport({ ...applied, changed: [deployment] }, plain, 'normal'), [
    'applied 1 changed: deployment/web, 12 unchanged in 40 ms',
  ]);
});

test('what an apply deleted is named also where it is much, up to a limit that -v lifts', () => {
  const applied = {
    type: 'deploy.applied',
    created: [],
    changed: [],
    replaced: [],
    unchanged: 1,
    pruned: [],
    ms: 40,
  } as const;
  const many = (length: number) => Array.from({ length }, (_, index) => ({ ...deployment, name: `web${index}` }));
  const [pruned] = formatReport({ ...applied, pruned: many(5) }, plain, 'normal');
  assert.match(pruned ?? '', /^applied 5 pruned: deployment\/web0, .*, deployment\/web4, 1 unchanged/);
  const [first = '', second = ''] = (['normal', 'verbose'] as const).flatMap((detail) =>
    formatReport({ ...applied, pruned: many(40) }, plain, detail),
  );
  assert.match(first, /^applied 40 pruned: .*deployment\/web29, and 10 more, 1 unchanged/);
  assert.match(second, /deployment\/web39, 1 unchanged/);
  const replaced = many(5);
  const [made] = formatReport({ ...applied, changed: [...replaced, deployment], replaced }, plain, 'normal');
  assert.match(made ?? '', /^applied 1 changed: deployment\/web, 5 replaced: deployment\/web0, /);
});

test('what is there and has too much to do is busy, and not gone', () => {
  const text = (report: Exclude<Report, { type: 'log' }>) => formatReport(report, plain, 'normal').join();
  const lost = { type: 'session.lost', what: 'the cluster', cause: 'it answers 429' } as const;
  const resumed = { type: 'session.resumed', what: 'the cluster', ms: 3000 } as const;
  assert.equal(text({ ...lost, busy: true }), '! the cluster is busy it answers 429');
  assert.equal(text({ ...resumed, busy: true }), '✓ the cluster answers again after 3.0 s');
  assert.equal(text(lost), '✗ the cluster is gone it answers 429');
  assert.equal(text(resumed), '✓ the cluster is back after 3.0 s');
});

test('a workload that restarts for a setting says for which', () => {
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'storm', name: 'settings' };
  const restarts: Report = { type: 'deploy.restarts', object: deployment, because: [settings] };
  assert.deepEqual(formatReport(restarts, plain, 'normal'), ['deployment/web restarts · configmap/settings changed']);
});

for (const [code, what] of [
  ['EPIPE', 'a reader that goes away'],
  ['EIO', 'a terminal that hangs up'],
] as const)
  test(`${what} is told by the closed signal, not by a crash`, async () => {
    const { terminal, stdout } = open();
    const closed = new Promise((resolve) => terminal.closed.addEventListener('abort', resolve, { once: true }));
    stdout.destroy(Object.assign(new Error(`write ${code}`), { code }));
    await closed;
    terminal.report({ type: 'note', text: 'nobody reads this' });
  });

test('what afterSync did stands in the line of the sync', () => {
  const done = { type: 'sync.done', service: 'web', files: 3, containers: 1, ms: 18 } as const;
  const say = (after: { action: 'exec' | 'signal' | 'restart'; ms: number; readyMs: number | undefined }) =>
    formatReport({ ...done, after }, plain, 'normal');
  assert.deepEqual(say({ action: 'restart', ms: 90, readyMs: 240 }), [
    'web synced 3 files in 18 ms, restarted, ready in 240 ms',
  ]);
  assert.deepEqual(say({ action: 'restart', ms: 90, readyMs: undefined }), [
    'web synced 3 files in 18 ms, restarted in 90 ms',
  ]);
  assert.deepEqual(say({ action: 'exec', ms: 900, readyMs: undefined }), [
    'web synced 3 files in 18 ms, ran afterSync in 900 ms',
  ]);
});
