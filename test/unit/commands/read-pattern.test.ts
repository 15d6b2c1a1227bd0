import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPattern } from '../../../src/commands/read-pattern.ts';
import { Failure } from '../../../src/errors.ts';

/** What is said of a pattern, and under which character the mark stands, from 1 on. */
function faultIn(text: string): readonly [string, number] {
  try {
    readPattern('--include', text);
  } catch (error) {
    assert.ok(error instanceof Failure && error.kind === 'usage' && error.where === '--include');
    const [shown, mark = ''] = (error.detail ?? '').split('\n');
    assert.equal(shown, text);
    assert.match(error.message, new RegExp(`at character ${mark.length}$`));
    return [error.message.replace(/^.*: (.*), at.*$/, '$1'), mark.length];
  }
  throw new Error(`${text} is a regular expression`);
}

test('a fault in a regular expression is told with its place', () => {
  assert.deepEqual(faultIn('abc[de'), ['unterminated character class', 4]);
  assert.deepEqual(faultIn('(a)(b'), ['unterminated group', 4]);
  assert.deepEqual(faultIn('((a)[b]c'), ['unterminated group', 1]);
  assert.deepEqual(faultIn('a)b'), ["unmatched ')'", 2]);
  assert.deepEqual(faultIn('ab**c'), ['nothing to repeat', 4]);
  assert.deepEqual(faultIn('\\d\\'), ['\\ at end of pattern', 3]);
  assert.deepEqual(faultIn('a/u: (b'), ['unterminated group', 6]);
  assert.deepEqual(faultIn('(?i)a['), ['unterminated character class', 6]);
});

test('(?i) at the beginning ignores case', () => {
  assert.match('an ERROR', readPattern('--include', '(?i)error'));
  assert.doesNotMatch('an ERROR', readPattern('--include', 'error'));
});
