import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellWidth } from '../../../src/terminal/cell-width.ts';
import { createStyle } from '../../../src/terminal/style.ts';
import { wrapWords } from '../../../src/terminal/wrap-words.ts';

test('a line that fits stays as it is', () => {
  assert.deepEqual(wrapWords('web built in 1.2 s', 18), ['web built in 1.2 s']);
  assert.deepEqual(wrapWords('', 10), ['']);
});

test('a longer one is broken between words, and goes on where its second word stands', () => {
  assert.deepEqual(wrapWords('web rebuild src/a.ts · a COPY line reaches it', 20), [
    'web rebuild src/a.ts',
    '    · a COPY line',
    '    reaches it',
  ]);
  assert.deepEqual(wrapWords('  → write it as 90s, 5m or 1h', 16), ['  → write it as', '    90s, 5m or', '    1h']);
});

test('a long first word indents by little', () => {
  assert.deepEqual(wrapWords('deployment/notification waits for its image', 30), [
    'deployment/notification waits',
    '  for its image',
  ]);
});

test('a word that is wider than a row is left whole', () => {
  const url = `http://localhost:8080/${'a'.repeat(30)}`;
  assert.deepEqual(wrapWords(`web opens ${url} now`, 20), ['web opens', `    ${url}`, '    now']);
});

test('colours take no room and are not broken, and wide characters take two cells', () => {
  const style = createStyle(true);
  const line = `${style.bold('web')} ${style.dim('日本語 日本語')} 日本語`;
  assert.deepEqual(wrapWords(line, 18), [`${style.bold('web')} \u001B[2m日本語 日本語\u001B[22m`, '    日本語']);
  for (const row of wrapWords('a b '.repeat(40), 9)) assert.ok(cellWidth(row) <= 9);
});
