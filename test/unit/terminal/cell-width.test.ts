import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellWidth, cutToCells } from '../../../src/terminal/cell-width.ts';

test('wide characters and emoji take two cells, what joins or modifies them none', () => {
  const widths = ['abc', 'é', 'e\u0301', '日本', 'ｱ', '🚀', '👩‍💻', '👍🏽', '❤️', '…', '🇫🇷'].map(cellWidth);
  assert.deepEqual(widths, [3, 1, 1, 4, 1, 2, 2, 2, 2, 1, 2]);
});

test('a text is cut between characters, and never wider than asked', () => {
  assert.equal(cutToCells('user-service', 12), 'user-service');
  assert.equal(cutToCells('user-service', 5), 'user…');
  assert.equal(cutToCells('日本語', 4), '日…');
  assert.equal(cutToCells('👩‍💻👩‍💻', 3), '👩‍💻…');
  assert.equal(cutToCells('abc', 0), '');
});
