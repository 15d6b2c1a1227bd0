import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Contents, differenceOf } from '../../../src/images/contents.ts';

type Entries = Contents['entries'];

const file = (content: string, mode = 0o644) => [mode, 'file', content] as const;
const folder = (mode = 0o755) => [mode, 'folder', ''] as const;
const link = (target: string) => [0o777, 'link', target] as const;

const difference = (from: Entries, to: Entries) =>
  differenceOf({ facts: 'same', entries: from }, { facts: 'same', entries: to });

test('files that were written, made and removed are a difference, and the folders that come and go with them', () => {
  const from = { src: folder(), 'src/a': file('1'), 'src/b': file('1'), old: folder(), 'old/c': file('1') };
  const to = { src: folder(), 'src/a': file('2'), 'src/b': file('1'), new: folder(), 'new/d': file('1', 0o755) };
  assert.deepEqual(difference(from, to), { changed: ['src/a', 'new/d'], removed: ['old/c'] });
});

test('files that are named like what every object has are files like any other', () => {
  const named = (content: string) =>
    Object.fromEntries(['__proto__', 'constructor', 'toString'].map((name) => [name, file(content)]));
  const names = ['__proto__', 'constructor', 'toString'];
  assert.deepEqual(difference(named('1'), named('2')), { changed: names, removed: [] });
  assert.deepEqual(difference(named('1'), {}), { changed: [], removed: names });
});

test('what takes more than writing and removing files has no difference to sync', () => {
  const cases: readonly (readonly [string, Entries, Entries])[] = [
    ['a mode', { a: file('1'), b: file('1') }, { a: file('1', 0o755), b: file('2') }],
    ['a mode of a folder', { a: folder(), 'a/b': file('1') }, { a: folder(0o700), 'a/b': file('2') }],
    ['an empty folder', { b: file('1') }, { a: folder(), b: file('2') }],
    ['a link', { a: link('b'), b: file('1') }, { a: link('c'), b: file('2') }],
    ['a link that is new', { b: file('1') }, { a: link('c'), b: file('2') }],
    ['a file that is a folder now', { a: file('1') }, { a: folder(), 'a/b': file('1') }],
    ['nothing', { a: file('1') }, { a: file('1') }],
  ];
  for (const [what, from, to] of cases) assert.equal(difference(from, to), undefined, what);
  const a = { entries: { a: file('1') } };
  const b = { entries: { a: file('2') } };
  assert.equal(differenceOf({ facts: 'FROM a', ...a }, { facts: 'FROM b', ...b }), undefined, 'the Dockerfile');
});
