import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ImageCache } from '../../../src/images/image-cache.ts';

let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'image-cache-'));
  folder = join(root, '.stormctl');
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('ImageCache', () => {
  it('finds after a restart what was remembered, for the same service only', async () => {
    const cache = await ImageCache.open(folder);
    await cache.rememberBuilt('web', 'sha256:in', 'sha256:image');
    await cache.rememberPushed('localhost:5000/web:1', 'sha256:manifest');
    const again = await ImageCache.open(folder);
    assert.equal(again.findBuilt('web', 'sha256:in'), 'sha256:image');
    assert.equal(again.findBuilt('api', 'sha256:in'), undefined);
    assert.equal(again.findPushed('localhost:5000/web:1'), 'sha256:manifest');
  });

  it('keeps its folder out of git and leaves no draft behind', async () => {
    const cache = await ImageCache.open(folder);
    await cache.rememberBuilt('web', 'a', 'b');
    assert.deepEqual((await readdir(folder)).sort(), ['.gitignore', 'images.json']);
    assert.equal(await readFile(join(folder, '.gitignore'), 'utf8'), '*\n');
  });

  it('writes nothing before there is something to remember', async () => {
    await ImageCache.open(folder);
    assert.deepEqual(await readdir(root), []);
  });

  for (const broken of ['', '{', 'null', '[]', '{"built":7,"pushed":{"a":1}}']) {
    it(`knows nothing when its file holds ${JSON.stringify(broken)}, and writes it anew`, async () => {
      await (await ImageCache.open(folder)).rememberBuilt('web', 'a', 'b');
      await writeFile(join(folder, 'images.json'), broken);
      const cache = await ImageCache.open(folder);
      assert.equal(cache.findBuilt('web', 'a'), undefined);
      await cache.rememberBuilt('web', 'c', 'd');
      assert.equal((await ImageCache.open(folder)).findBuilt('web', 'c'), 'd');
    });
  }

  it('survives the deletion of its folder', async () => {
    const cache = await ImageCache.open(folder);
    await cache.rememberBuilt('web', 'a', 'b');
    await rm(folder, { recursive: true });
    await cache.rememberBuilt('web', 'c', 'd');
    const again = await ImageCache.open(folder);
    assert.deepEqual([again.findBuilt('web', 'a'), again.findBuilt('web', 'c')], ['b', 'd']);
  });

  it('loses none of many changes at once, nor those of another process', async () => {
    const [one, other] = await Promise.all([ImageCache.open(folder), ImageCache.open(folder)]);
    await other.rememberBuilt('other', 'x', 'y');
    await Promise.all(Array.from({ length: 20 }, (_, index) => one.rememberBuilt('web', `${index}`, `id${index}`)));
    const again = await ImageCache.open(folder);
    assert.equal(again.findBuilt('other', 'x'), 'y');
    for (let index = 0; index < 20; index++) assert.equal(again.findBuilt('web', `${index}`), `id${index}`);
  });

  it('fails when it can not write, and writes all of it the next time', async () => {
    await writeFile(folder, 'a file where the folder should be');
    const cache = await ImageCache.open(folder);
    await assert.rejects(cache.rememberBuilt('web', 'a', 'b'), { code: 'EEXIST' });
    await rm(folder);
    await cache.rememberBuilt('web', 'c', 'd');
    assert.equal((await ImageCache.open(folder)).findBuilt('web', 'a'), 'b');
  });
});
