import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openSyncedRecord } from '../../../src/dev/synced-record.ts';
import type { Service } from '../../../src/project.ts';

const services = [{ name: 'web' } as Service];
const place = 'cluster storm';
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'synced-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function synced(root: string, name: string) {
  const file = { from: join(root, name), to: `/app/${name}`, root: '/app', mode: 0o755, modeChanged: true } as const;
  return { containers: ['containerd://1'], files: [file] };
}

test('what was noted last is there for the next session, wherever the project is then', async () => {
  const root = join(folder, 'a');
  const record = await openSyncedRecord({ root, services }, { place });
  assert.equal(record.before('web'), undefined);
  record.note('web', synced(root, 'one.ts'));
  record.note('web', synced(root, 'two.ts'));
  await record.written();
  assert.equal(await readFile(join(root, '.stormctl/.gitignore'), 'utf8'), '*\n');
  const moved = join(folder, 'b');
  await rename(root, moved);
  const next = await openSyncedRecord({ root: moved, services }, { place });
  assert.deepEqual(next.before('web'), synced(moved, 'two.ts'));
});

test('another cluster or namespace was given nothing', async () => {
  const record = await openSyncedRecord({ root: folder, services }, { place });
  record.note('web', synced(folder, 'one.ts'));
  await record.written();
  const other = await openSyncedRecord({ root: folder, services }, { place: 'another' });
  assert.equal(other.before('web'), undefined);
});

test('a broken file, and one with paths that lead elsewhere, is a cache that knows nothing', async () => {
  await mkdir(join(folder, '.stormctl/synced'), { recursive: true });
  const file = join(folder, '.stormctl/synced/web.json');
  for (const [text, files] of [
    ['{', undefined],
    ['[]', undefined],
    [JSON.stringify({ place, containers: 1, files: [] }), undefined],
    [JSON.stringify({ place, containers: [], files: [{ from: '/etc/passwd', to: '/a', root: '/' }, 1, null] }), []],
  ] as const) {
    await writeFile(file, text);
    const record = await openSyncedRecord({ root: folder, services }, { place });
    assert.deepEqual(record.before('web')?.files, files, text);
  }
});

test('a folder that can not be written to disturbs nobody', async () => {
  await writeFile(join(folder, '.stormctl'), 'a file');
  const record = await openSyncedRecord({ root: folder, services }, { place });
  record.note('web', synced(folder, 'one.ts'));
  await record.written();
});
