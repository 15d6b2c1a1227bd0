import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, renameSync, rmSync, unlinkSync, utimesSync } from 'node:fs';
import { mock, test } from 'node:test';
import { FolderTree } from '../../../src/watch/folder-tree.ts';
import type { WatchRoot } from '../../../src/watch/watch-root.ts';
import { until } from '../../support/until.ts';
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

/** A tree that watches these roots, and the folders that it has marked since. */
async function markedTree(...roots: readonly WatchRoot[]) {
  const marked = new Set<string>();
  const tree = new FolderTree({ ...events, marked: (path) => marked.add(path) });
  await tree.setRoots(roots);
  marked.clear();
  return { tree, marked };
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

test('a file that is emptied is left to the next look until it is written, or has been empty for a while', async () => {
  using folder = new ScratchFolder();
  for (const name of ['written.ts', 'emptied.ts', 'later.ts']) folder.write(name);
  const { tree, marked } = await markedTree(everything(folder.path));
  const now = Date.now();
  mock.timers.enable({ apis: ['Date'], now });
  for (const [name, age] of [
    ['written.ts', 20],
    ['emptied.ts', 20],
    ['made.ts', 20],
    ['later.ts', -5000],
  ] as const)
    utimesSync(folder.write(name, ''), new Date(now - age), new Date(now - age));
  const first = await tree.look([folder.path]);
  assert.deepEqual([...first.changed], [folder.at('later.ts')]);
  assert.deepEqual([...marked], [folder.path]);
  folder.write('written.ts', 'two');
  mock.timers.tick(100);
  const second = await tree.look(marked);
  mock.timers.reset();
  await tree.close();
  assert.deepEqual(
    [...second.changed].sort(),
    ['emptied.ts', 'made.ts', 'written.ts'].map((name) => folder.at(name)),
  );
});

test('one look at a marked folder finds what no event told of', { timeout: 120_000 }, async () => {
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

test('a folder moved or made just before the roots are set again is left to the next look, file by file', async () => {
  using folder = new ScratchFolder();
  for (const name of ['from/one.ts', 'from/deep/two.ts', 'stays/three.ts']) folder.write(name);
  const { tree, marked } = await markedTree(everything(folder.path));
  renameSync(folder.at('from'), folder.at('to'));
  renameSync(folder.at('stays'), folder.at('went'));
  folder.write('stays/three.ts', 'another in its place');
  // Nothing waits here: whether an event came before or comes after is all the same.
  await tree.setRoots([everything(folder.path)]);
  assert.ok(marked.has(folder.at('to')) && marked.has(folder.at('to/deep')) && marked.has(folder.at('stays')));
  const { changed, removed } = await tree.look([folder.path, ...marked]);
  await tree.close();
  const all = ['stays/three.ts', 'to/deep/two.ts', 'to/one.ts', 'went/three.ts'];
  assert.deepEqual(
    [...changed].sort(),
    all.map((name) => folder.at(name)),
  );
  assert.deepEqual([...removed].sort(), [folder.at('from/deep/two.ts'), folder.at('from/one.ts')]);
});

test('a folder moved away while the roots are set again is left to the next look, though another takes its place', async () => {
  using folder = new ScratchFolder();
  using elsewhere = new ScratchFolder();
  for (const name of ['in/gone/one.ts', 'in/gone/deep/two.ts', 'in/stays.ts']) folder.write(name);
  const { tree, marked } = await markedTree(everything(folder.path));
  renameSync(folder.at('in/gone'), elsewhere.at('gone'));
  // The folder above has been listed when this is asked.
  const skip = (path: string) => {
    if (path === 'in/stays.ts') folder.write('in/gone/three.ts');
    return false;
  };
  await tree.setRoots([{ folder: folder.path, skip }]);
  const { changed, removed } = await tree.look([folder.at('in'), ...marked]);
  await tree.close();
  assert.deepEqual([...changed], [folder.at('in/gone/three.ts')]);
  assert.deepEqual([...removed].sort(), [folder.at('in/gone/deep/two.ts'), folder.at('in/gone/one.ts')]);
});

test('what happens while the roots are set again is left to the next look', { timeout: 120_000 }, async () => {
  using folder = new ScratchFolder();
  folder.write('watched/deep/one.ts');
  const watched = everything(folder.at('watched'));
  const { tree, marked } = await markedTree(watched);
  // It is read for some time, in which events come, before the folders below the roots are.
  folder.write('large/file', 'x'.repeat(24 * 2 ** 20));
  const set = tree.setRoots([watched, everything(folder.at('large'))]);
  unlinkSync(folder.at('watched/deep/one.ts'));
  await set;
  // Events come in order.
  folder.write('watched/last.ts');
  await until(() => marked.has(folder.at('watched')));
  const { removed } = await tree.look(marked);
  await tree.close();
  assert.deepEqual([...removed], [folder.at('watched/deep/one.ts')]);
});

test('a root that appears just before the roots are set again is a change, one that is new to them is none', async () => {
  using folder = new ScratchFolder();
  folder.write('known/one.ts');
  const roots = (...names: string[]) => names.map((name) => everything(folder.at(name)));
  const { tree, marked } = await markedTree(...roots('known', 'awaited/deep'));
  folder.write('awaited/deep/in.ts');
  folder.write('asked/for.ts');
  await tree.setRoots(roots('known', 'awaited/deep', 'asked'));
  const { changed } = await tree.look(marked);
  await tree.close();
  assert.deepEqual([...changed], [folder.at('awaited/deep/in.ts')]);
});
