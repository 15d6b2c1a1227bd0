import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandBraces } from '../../../src/lib/braces.ts';

for (const [glob, expected] of [
  ['a/*.yaml', ['a/*.yaml']],
  ['{a,b}/*.{yaml,yml}', ['a/*.yaml', 'a/*.yml', 'b/*.yaml', 'b/*.yml']],
  ['x/{a,b/{c,d}}/y', ['x/a/y', 'x/b/c/y', 'x/b/d/y']],
  ['{1..3}/{a}', ['{1..3}/{a}']],
  ['{1..3}/{a,}', ['{1..3}/a', '{1..3}/']],
  ['\\{a,b}', ['\\{a,b}']],
  ['{a,b', ['{a,b']],
] as const)
  test(`${glob} stands for ${expected.length} globs`, () => assert.deepEqual(expandBraces(glob), expected));

test('braces that stand for very many globs stay as they are', () => {
  const glob = '{a,b}'.repeat(30);
  assert.deepEqual(expandBraces(glob), [glob]);
});
