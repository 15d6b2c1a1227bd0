import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { writeWhole } from '../../../src/lib/write-whole.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'write-whole-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a file is new, or replaced with the mode that was asked for, and nothing lies beside it', async () => {
  const file = join(folder, 'a.json');
  await writeWhole(file, 'one');
  assert.equal(await readFile(file, 'utf8'), 'one');
  assert.equal((await stat(file)).mode & 0o777, 0o666 & ~process.umask());
  await writeWhole(file, Buffer.from('two'), { mode: 0o600 });
  assert.equal(await readFile(file, 'utf8'), 'two');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ['a.json']);
});

test('who reads while it is written, by two at once even, sees one text or the other, and never a part', async () => {
  const file = join(folder, 'a.json');
  const texts = ['a', 'b'].map((letter) => letter.repeat(4 << 20));
  await writeWhole(file, texts[0] ?? '');
  const writing = new Set<Promise<void>>();
  for (const text of [...texts, ...texts, ...texts]) {
    const write = writeWhole(file, text).finally(() => writing.delete(write));
    writing.add(write);
  }
  const writes = Promise.all(writing);
  let reads = 0;
  for (; writing.size > 0; reads++) assert.ok(texts.includes(await readFile(file, 'utf8')), 'a part');
  await writes;
  assert.ok(reads > 0);
  assert.deepEqual(await readdir(folder), ['a.json']);
});

test('where the draft can not take its place, what was there stays and the draft goes', async () => {
  const taken = join(folder, 'a.json');
  await mkdir(taken);
  await writeFile(join(taken, 'kept'), '');
  await assert.rejects(writeWhole(taken, 'text'), { code: 'EISDIR' });
  assert.deepEqual([await readdir(folder), await readdir(taken)], [['a.json'], ['kept']]);
});

test('where no draft can be made, the reason is told', async () => {
  await assert.rejects(writeWhole(join(folder, 'gone', 'a.json'), 'text'), { code: 'ENOENT' });
  await writeFile(join(folder, 'file'), '');
  await assert.rejects(writeWhole(join(folder, 'file', 'a.json'), 'text'), { code: 'ENOTDIR' });
  assert.deepEqual(await readdir(folder), ['file']);
});
