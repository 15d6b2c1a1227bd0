import assert from 'node:assert/strict';
import { rmSync, unlinkSync } from 'node:fs';
import { test } from 'node:test';
import { FolderTree } from '../../../src/watch/folder-tree.ts';
import { everything, ScratchFolder } from './watched-folder.ts';

test('one look at a marked folder finds what no event told of', { timeout: 20_000 }, async () => {
  using folder = new ScratchFolder();
  for (const name of ['written.ts', 'removed.ts', 'same.ts', 'old/in.ts']) folder.write(name);
  // Its events go nowhere, as those that the kernel's queue had no place for.
  const tree = new FolderTree({ marked: () => {}, failed: assert.fail, limited: assert.fail });
  await tree.setRoots([everything(folder.path)]);
  folder.write('written.ts', 'two');
  unlinkSync(folder.at('removed.ts'));
  rmSync(folder.at('old'), { recursive: true });
  folder.write('new/deep/in.ts');
  const { changed, removed } = await tree.look([folder.path]);
  await tree.close();
  assert.deepEqual([...changed].sort(), [folder.at('new/deep/in.ts'), folder.at('written.ts')]);
  assert.deepEqual([...removed].sort(), [folder.at('old/in.ts'), folder.at('removed.ts')]);
});
