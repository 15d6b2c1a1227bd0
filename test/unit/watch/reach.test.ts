import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeLevels, type ReachedFolder, rootsAt, rootsOfEntry, startsOf } from '../../../src/watch/reach.ts';
import type { WatchRoot } from '../../../src/watch/watch-root.ts';

const sources: WatchRoot = { folder: '/app', skip: (path, isFolder) => isFolder && path === 'node_modules' };
const texts: WatchRoot = { folder: '/app', skip: (path, isFolder) => !isFolder && !path.endsWith('.txt') };
const library: WatchRoot = { folder: '/app/node_modules/own', skip: () => false };

function foldersOf(...folders: readonly ReachedFolder[]): ReadonlyMap<string, ReachedFolder> {
  return new Map(folders.map((folder) => [folder.path, folder]));
}

test('an entry counts for the roots that reach its folder and do not skip it', () => {
  const app = { path: '/app', roots: [sources, texts] };
  const starts = mergeLevels([['/app', app.roots]]);
  assert.deepEqual(rootsOfEntry(starts, app, 'a.ts', false), [sources]);
  assert.deepEqual(rootsOfEntry(starts, app, 'a.txt', false), [sources, texts]);
  assert.deepEqual(rootsOfEntry(starts, app, 'node_modules', true), [texts]);
  assert.deepEqual(rootsOfEntry(starts, app, '.a.txt.swp', false), [], 'a file of an editor counts for nobody');
});

test('a folder that a root begins at counts for it, whatever the others skip', () => {
  const modules = { path: '/app/node_modules', roots: [] };
  const starts = mergeLevels([
    ['/app', [sources]],
    [library.folder, [library]],
  ]);
  assert.deepEqual(rootsOfEntry(starts, modules, 'own', true), [library]);
  assert.deepEqual(rootsOfEntry(starts, modules, 'own', false), []);
});

test('a folder that was never found would have been reached as the one above it was, and as roots begin there', () => {
  const starts = mergeLevels([
    ['/app', [sources, texts]],
    ['/app/src', [library]],
  ]);
  const folders = foldersOf({ path: '/app', roots: [sources, texts] });
  assert.deepEqual(rootsAt({ starts, folders }, '/app/src'), [sources, texts, library]);
  assert.deepEqual(rootsAt({ starts, folders }, '/app/src/deep'), [sources, texts, library]);
  assert.deepEqual(rootsAt({ starts, folders }, '/app/node_modules/deep'), [texts]);
  assert.deepEqual(rootsAt({ starts, folders }, '/elsewhere'), []);
});

test('the folder above one that is absent, or may be removed, is where its root begins too', () => {
  const absent: WatchRoot = { folder: '/no-such-folder/inner', skip: () => false };
  const starts = startsOf([absent]);
  assert.deepEqual(starts.get(absent.folder), [absent]);
  const [above] = starts.get('/') ?? [];
  assert.ok(above);
  assert.deepEqual(
    ['no-such-folder', 'another'].map((name) => above.skip(name, true)),
    [false, true],
  );
});
