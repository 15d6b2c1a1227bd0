import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellWidth, charactersOf, cutMiddle, cutToCells } from '../../../src/terminal/cell-width.ts';

test('wide characters and emoji take two cells, combining marks none', () => {
  const widths = ['abc', 'é', 'e\u0301', '日本', 'ｱ', '🚀', '❤️', '…', '🇫🇷', 'a\u200Bb', '한국'].map(cellWidth);
  assert.deepEqual(widths, [3, 1, 1, 4, 1, 2, 2, 1, 2, 2, 4]);
});

test('what only some terminals join counts as they draw it that do not', () => {
  assert.deepEqual(['👩‍💻', '👍🏽', '👨‍👩‍👧'].map(cellWidth), [4, 4, 6]);
});

test('a text is cut between characters, and never wider than asked', () => {
  assert.equal(cutToCells('user-service', 12), 'user-service');
  assert.equal(cutToCells('user-service', 5), 'user…');
  assert.equal(cutToCells('日本語', 4), '日…');
  assert.equal(cutToCells('👩‍💻👩‍💻', 5), '👩‍💻…');
  assert.equal(cutToCells('abc', 0), '');
});

test('a text is cut in its middle, and both of its ends are left', () => {
  assert.equal(cutMiddle('user-service', 12), 'user-service');
  assert.equal(cutMiddle('user-service', 7), 'use…ice');
  assert.equal(cutMiddle('user-service', 6), 'use…ce');
  assert.equal(cutMiddle('日本語日本語', 6), '日…語');
  assert.equal(cutMiddle('abc', 1), '…');
});

test('a long text is cut as soon as a short one', () => {
  for (const character of ['x', 'é', '日']) {
    const startedAt = performance.now();
    assert.equal(cutToCells(character.repeat(200_000), 4).at(-1), '…');
    // All of it taken apart takes a minute.
    assert.ok(performance.now() - startedAt < 5000, character);
  }
});

test('what is longer than a piece is taken apart into whole characters', () => {
  const family = '👩‍👩‍👧';
  for (const shift of ['', 'a', 'aaaaa']) {
    const text = `${shift}${family.repeat(1000)}`;
    assert.equal(cellWidth(text), shift.length + 1000 * cellWidth(family));
    assert.deepEqual(charactersOf(text).slice(shift.length), Array(1000).fill(family));
    assert.equal(charactersOf(`${shift}${'🇫🇷'.repeat(1000)}`).length, shift.length + 1000);
  }
  assert.equal(cellWidth(`e${'\u0301'.repeat(5000)}é`), 2);
});

test('a line of hundreds of thousands of characters is measured', { timeout: 120_000 }, () => {
  const count = 300_000;
  assert.equal(cellWidth('日'.repeat(count)), 2 * count);
});
