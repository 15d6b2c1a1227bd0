import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, rmSync, unlinkSync, utimesSync } from 'node:fs';
import { test } from 'node:test';
import { FolderTree } from '../../../src/watch/folder-tree.ts';
import { everything, ScratchFolder } from './watched-folder.ts';

const events = { marked: () => {}, failed: assert.fail, limited: assert.fail };

/** A tree of files that are old enough for their times to be believed, seen once. */
async function treeOf(folder: ScratchFolder, names: readonly string[]): Promise<FolderTree> {
  const old = new Date(Date.now() - 60_000);
  for (const name of names) utimesSync(folder.write(name), old, old);
  const tree = new FolderTree(events);
  await tree.setRoots([everything(folder.path)]);
  return tree;
}

test('once the stamps are complete a first write of the same bytes is no difference, and of others is one', async () => {
  using folder = new ScratchFolder();
  const tree = await treeOf(folder, ['same.ts', 'other.ts', 'run.sh', 'deep/same.ts']);
  const steps = [...tree.completeStamps()].length;
  assert.equal(steps, 4);
  for (const name of ['same.ts', 'deep/same.ts']) folder.write(name);
  folder.write('other.ts', 'other');
  chmodSync(folder.at('run.sh'), 0o755);
  const { changed } = await tree.look(tree.folders);
  assert.deepEqual([...changed].sort(), [folder.at('other.ts'), folder.at('run.sh')]);
  await tree.close();
});

test('a file that changed before its stamp was complete is a difference', async () => {
  using folder = new ScratchFolder();
  const tree = await treeOf(folder, ['a.ts', 'b.ts']);
  appendFileSync(folder.at('a.ts'), ' and more');
  assert.equal([...tree.completeStamps()].length, 1);
  const { changed } = await tree.look(tree.folders);
  assert.deepEqual([...changed], [folder.at('a.ts')]);
  await tree.close();
});

test('one look at a marked folder finds what no event told of', { timeout: 20_000 }, async () => {
  using folder = new ScratchFolder();
  for (const name of ['written.ts', 'removed.ts', 'same.ts', 'old/in.ts']) folder.write(name);
  // Its events go nowhere, as those that the kernel's queue had no place for.
  const tree = new FolderTree(events);
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
