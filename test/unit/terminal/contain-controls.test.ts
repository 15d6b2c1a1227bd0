import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containControls } from '../../../src/terminal/contain-controls.ts';

test('colours stay; what moves the cursor, erases or speaks to the terminal goes', () => {
  assert.equal(containControls('plain\ttext é🚀'), 'plain\ttext é🚀');
  assert.equal(containControls('\u001B[1;31mred\u001B[0m'), '\u001B[1;31mred\u001B[0m');
  assert.equal(containControls('\u001B[2J\u001B[3A\u001B[?25htext\u001B[K'), 'text');
  assert.equal(containControls('\u001B]0;a title\u0007text'), 'text');
  assert.equal(containControls('\u001B]8;;http://a\u001B\\link\u001B]8;;\u001B\\'), 'link');
  assert.equal(containControls('\u001Bctext\u0007\b'), 'text');
});

test('a progress bar stays one line', () => {
  assert.equal(containControls('10%\r20%\r'), '10% 20%');
});
