import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ArchiveFile } from '../../../src/archive/archive-file.ts';
import { Failure } from '../../../src/errors.ts';
import { readArchive } from './read-archive.ts';

let root: string;
let file: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'stormctl-archived-'));
  file = join(root, 'bug.tar.gz');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function* texts(...all: readonly (string | Error)[]): AsyncGenerator<string, void, void> {
  for (const text of all) {
    if (text instanceof Error) throw text;
    yield text;
  }
}

test('what is added is in the file, which is there when it is whole, for its owner alone', async () => {
  {
    await using archive = await ArchiveFile.create(file, 'p', false);
    await archive.addText('a/b.txt', 'ü');
    assert.equal(await archive.addStream('big', texts(...Array.from({ length: 300 }, () => 'x'.repeat(10_000)))), true);
    assert.equal(await archive.addStream('nothing', texts()), false);
    assert.equal((await readdir(root)).includes('bug.tar.gz'), false);
    assert.equal(await archive.finish(), (await stat(file)).size);
    assert.deepEqual(archive.entries, [
      { path: 'a/b.txt', bytes: 2 },
      { path: 'big', bytes: 3_000_000 },
    ]);
  }
  assert.deepEqual(await readArchive(file), { 'a/b.txt': 'ü', big: 'x'.repeat(3_000_000) });
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(root), ['bug.tar.gz']);
});

test('of what breaks off the beginning is kept, and the error told', async () => {
  await using archive = await ArchiveFile.create(file, 'p', false);
  await assert.rejects(archive.addStream('log', texts('one\n', 'two\n', new Error('cut'))), /^Error: cut$/);
  await archive.addText('more', 'three');
  await archive.finish();
  assert.deepEqual(await readArchive(file), { log: 'one\ntwo\n', more: 'three' });
});

test('a file that is there is replaced only when that is asked for', async () => {
  await writeFile(file, 'mine');
  await assert.rejects(ArchiveFile.create(file, 'p', false), { kind: 'usage', where: file });
  assert.equal(await readFile(file, 'utf8'), 'mine');
  await using archive = await ArchiveFile.create(file, 'p', true);
  assert.equal(await readFile(file, 'utf8'), 'mine');
  await archive.addText('a', 'b');
  await archive.finish();
  assert.deepEqual(await readArchive(file), { a: 'b' });
});

test('one that is not finished leaves nothing', async () => {
  {
    await using archive = await ArchiveFile.create(file, 'p', false);
    await archive.addText('a', 'b');
  }
  assert.deepEqual(await readdir(root), []);
});

test('a folder that is not there, and a folder in its place, are refused', async () => {
  await assert.rejects(ArchiveFile.create(join(root, 'no/x'), 'p', false), { kind: 'usage', where: join(root, 'no') });
  await assert.rejects(ArchiveFile.create(root, 'p', true), { kind: 'usage', where: root });
});

test('a draft that can not be written ends it with the reason, and does not hang', async () => {
  await symlink('/dev/full', `${file}.${process.pid}.part`);
  await using archive = await ArchiveFile.create(file, 'p', false);
  const error = await archive
    .addStream('big', texts('x'.repeat(5_000_000)))
    .then(() => archive.finish())
    .catch((error: unknown) => error);
  assert.ok(error instanceof Failure);
  assert.equal(error.kind, 'usage');
  assert.equal(archive.isBroken, true);
});
