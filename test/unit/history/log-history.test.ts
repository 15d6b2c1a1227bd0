import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogHistory } from '../../../src/history/log-history.ts';
import { fileNameOf, listSegments, rotate } from '../../../src/history/segments.ts';
import { at, historyScene, log } from './support.ts';
import { until } from '../../support/until.ts';

test('what a session told is read again, merged by time over its services', async () => {
  await using it = await historyScene();
  await it.session([log('web', 1, 'one'), log('api', 2, 'two'), log('web', 3, 'three'), log('api', 0, 'zero')]);
  const { lines, from, to, sources } = await it.read();
  assert.deepEqual(lines, ['api api-1 zero', 'web web-1 one', 'api api-1 two', 'web web-1 three']);
  assert.deepEqual([from, to, sources], [at(0), at(3), ['api', 'web']]);
  assert.equal(await readFile(join(it.state, '.gitignore'), 'utf8'), '*\n');
  assert.equal((await stat(join(it.folder, 'web.log'))).mode & 0o777, 0o600);
  assert.deepEqual(it.problems, []);
});

test('a line comes back as it was: spaces, carriage returns, emoji, colours, nothing at all', async () => {
  await using it = await historyScene();
  const texts = [
    '',
    ' ',
    '# {"session":"x"}',
    '  two  spaces ',
    'a\rb\r',
    '🌩️ storm',
    '\u001B[31mred',
    'x'.repeat(300_000),
  ];
  await it.session(texts.map((text, index) => log('web', index, text)));
  assert.deepEqual(
    (await it.read()).lines,
    texts.map((text) => `web web-1 ${text}`),
  );
});

test('an init container stays one', async () => {
  await using it = await historyScene();
  await it.session([{ ...log('web', 1, 'prepared'), init: true }, log('web', 2, 'ready')]);
  const inits: unknown[] = [];
  await it.read({ wants: (line) => inits.push([line.container, line.init]) > 0 });
  assert.deepEqual(inits, [
    ['c', true],
    ['c', undefined],
  ]);
});

test('names that no file can have are kept apart', async () => {
  await using it = await historyScene();
  const sources = ['a/b', '../x', '.hidden', 'ü', 'web.v1', `${'long'.repeat(50)}1`, `${'long'.repeat(50)}2`];
  await it.session(sources.map((source, index) => log(source, index, 'line', 'p')));
  assert.deepEqual(
    (await it.read()).lines,
    sources.map((source) => `${source} p line`),
  );
  const names = await readdir(it.folder);
  assert.equal(names.length, sources.length);
  for (const name of names) assert.match(name, /^[A-Za-z0-9%][-_.%A-Za-z0-9]{0,115}\.log$/);
});

test('a full file is put aside, and the oldest of a service goes', async () => {
  await using it = await historyScene();
  const limits = { segmentBytes: 1000, segments: 3, totalBytes: 1_000_000 };
  for (let session = 0; session < 8; session++)
    await it.session(
      Array.from({ length: 20 }, (_, index) =>
        log('web', session * 20 + index, `${session}.${index} ${'x'.repeat(40)}`),
      ),
      limits,
    );
  assert.equal((await readdir(it.folder)).length, 3);
  const { lines } = await it.read();
  assert.equal(lines.length, 60, 'the three youngest sessions');
  assert.match(lines[0] ?? '', /web web-1 5\.0 x/);
  assert.match(lines.at(-1) ?? '', /web web-1 7\.19 x/);
});

test('files that become full in one millisecond, or after the clock was set back, are all kept in their order', async () => {
  await using it = await historyScene();
  const limits = { segmentBytes: 1, segments: 10, totalBytes: 1_000_000 };
  const times = ['2026-12-31T23:59:59.999Z', '2026-12-31T23:59:59.999Z', '2026-12-31T23:00:00.000Z'];
  await mkdir(it.folder, { recursive: true });
  for (const [index, time] of times.entries()) {
    await writeFile(join(it.folder, 'web.log'), `${index}`);
    await rotate(it.folder, 'web.log', limits, new Date(time));
  }
  const segments = await listSegments(it.folder);
  const texts = await Promise.all(segments.map(({ file }) => readFile(file, 'utf8')));
  assert.deepEqual(texts, ['0', '1', '2']);
  assert.deepEqual(
    segments.map(({ fullAt }) => fullAt),
    ['20261231T235959999Z', '20270101T000000000Z', '20270101T000000001Z'],
  );
});

test('all services together keep to the limit, and what is old goes first', async () => {
  await using it = await historyScene();
  const limits = { segmentBytes: 500, segments: 100, totalBytes: 5000 };
  for (let session = 0; session < 30; session++)
    await it.session(
      ['web', 'api', 'db'].map((source) => log(source, session, 'x'.repeat(600))),
      limits,
    );
  const names = await readdir(it.folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(it.folder, name))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(total <= 5000 + 3 * 700, `${total} bytes`);
  const { from, to } = await it.read();
  assert.equal(to, at(29));
  assert.ok(from !== undefined && from > at(20));
});

test('a line that a crash cut off is left out, and the next one is whole', async () => {
  await using it = await historyScene();
  await it.session([log('web', 1, 'one')]);
  await appendFile(join(it.folder, 'web.log'), `${at(2)} n/web-1/c tw`);
  assert.deepEqual((await it.read()).lines, ['web web-1 one']);
  await it.session([log('web', 2, 'two'), log('web', 3, 'three')]);
  assert.deepEqual((await it.read()).lines, ['web web-1 one', 'web web-1 two', 'web web-1 three']);
});

test('what is no line of ours is passed over', async () => {
  await using it = await historyScene();
  await it.session([log('web', 1, 'one')]);
  await appendFile(join(it.folder, 'web.log'), '\u0000\u0000garbage\n# {broken\n# null\n\n2026 x\n');
  await it.session([log('web', 2, 'two')]);
  assert.deepEqual((await it.read()).lines, ['web web-1 one', 'web web-1 two']);
});

test('a folder that is deleted while a session runs is made again', async () => {
  await using it = await historyScene();
  await using history = new LogHistory({ folder: it.folder, onProblem: (error) => it.problems.push(error) });
  // Enough that it is written at once.
  const fill = async (second: number) => {
    history.take(log('web', second, 'x'.repeat(600_000)));
    await until(async () => (await it.read()).lines.length === 1);
  };
  await fill(1);
  await rm(it.state, { recursive: true });
  await fill(2);
  assert.equal((await it.read()).from, at(2));
  assert.equal(await readFile(join(it.state, '.gitignore'), 'utf8'), '*\n');
  assert.deepEqual(it.problems, []);
});

test('a full disk is told of once, and what it took is counted', async () => {
  await using it = await historyScene();
  await mkdir(it.folder, { recursive: true });
  await symlink('/dev/full', join(it.folder, 'web.log'));
  await using history = new LogHistory({ folder: it.folder, onProblem: (error) => it.problems.push(error) });
  for (let n = 0; n < 3; n++) {
    history.take(log('web', n, 'x'.repeat(600_000)));
    history.take(log('api', n, `${n}`));
    await until(async () => (await it.read({ wants: ({ source }) => source === 'api' })).lines.length === n + 1);
  }
  assert.deepEqual(
    it.problems.map((error) => (error as NodeJS.ErrnoException).code),
    ['ENOSPC'],
  );
  await rm(join(it.folder, 'web.log'));
  history.take(log('web', 9, 'x'.repeat(600_000)));
  await until(async () => (await it.read()).lost === 3);
});

test('a file where the folder should be stops nothing, and is told of once', async () => {
  await using it = await historyScene();
  await writeFile(it.state, 'a file');
  await it.session([log('web', 1, 'one'), log('api', 1, 'one')]);
  assert.equal(it.problems.length, 1);
  await rm(it.state);
  assert.deepEqual((await it.read()).lines, []);
});

test('two sessions at once write each line twice, and it is told once', async () => {
  await using it = await historyScene();
  const lines = Array.from({ length: 50 }, (_, index) => log('web', Math.floor(index / 3), `${index}`));
  await using one = new LogHistory({ folder: it.folder, onProblem: (error) => it.problems.push(error) });
  {
    await using other = new LogHistory({ folder: it.folder, onProblem: (error) => it.problems.push(error) });
    for (const line of lines) {
      one.take(line);
      other.take(line);
    }
  }
  await one[Symbol.asyncDispose]();
  assert.deepEqual(
    (await it.read()).lines,
    lines.map(({ line }) => `web web-1 ${line}`),
  );
});

test('a later session reads running containers from their first line, and that is not told again', async () => {
  await using it = await historyScene();
  const first = [log('web', 1, 'a'), log('web', 1, 'b'), log('web', 3, 'c')];
  await it.session(first);
  // Of the same stamp one more has come meanwhile, and a line that was late.
  await it.session([...first, log('web', 3, 'd'), log('web', 5, 'e'), log('web', 4, 'late'), log('web', 6, 'f')]);
  assert.deepEqual(
    (await it.read()).lines.map((line) => line.slice(-1)),
    ['a', 'b', 'c', 'd', 'e', 'e', 'f'],
  );
});

test('the last lines of each container, and those since a time', async () => {
  await using it = await historyScene();
  await it.session([
    ...[1, 2, 3].map((n) => log('web', n, `${n}`, 'web-1')),
    ...[4, 5].map((n) => log('web', n, `${n}`, 'web-2')),
    log('api', 0, '0'),
  ]);
  assert.deepEqual((await it.read({ tail: 1 })).lines, ['api api-1 0', 'web web-1 3', 'web web-2 5']);
  assert.deepEqual((await it.read({ tail: 0 })).lines, []);
  assert.deepEqual((await it.read({ since: at(3) })).lines, ['web web-1 3', 'web web-2 4', 'web web-2 5']);
  const wants = ({ pod }: { readonly pod: string }) => pod === 'web-1';
  assert.deepEqual((await it.read({ wants, tail: 2 })).lines, ['web web-1 2', 'web web-1 3']);
});

test('a project without a history has none', async () => {
  await using it = await historyScene();
  assert.deepEqual(await it.read(), { lines: [], from: undefined, to: undefined, lost: 0, sources: [] });
});

test('the name of a service that any file system takes is its file name', () => {
  assert.equal(fileNameOf('user-service'), 'user-service.log');
});
