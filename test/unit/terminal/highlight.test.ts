import assert from 'node:assert/strict';
import { test } from 'node:test';
import { highlight } from '../../../src/terminal/highlight.ts';

/** Marks are written as `<` and `>`, colours as `{31}`. */
function marked(text: string, ...patterns: readonly RegExp[]): string {
  const written = text.replaceAll(/\{(\d*)\}/g, '\u001B[$1m');
  return highlight(written, patterns)
    .replaceAll('\u001B[7m', '<')
    .replaceAll('\u001B[27m', '>')
    .replaceAll('\u001B[', '{')
    .replaceAll(/(\{\d*)m/g, '$1}');
}

test('every match is marked, and a text without one stays', () => {
  assert.equal(marked('one two one', /one/g), '<one> two <one>');
  assert.equal(marked('{31}one{0}', /two/g), '{31}one{0}');
});

test('what matches overlap is marked once', () => {
  assert.equal(marked('abcdef', /bcd/g, /cde/g, /b/g), 'a<bcde>f');
  assert.equal(marked('abcdef', /ab/g, /cd/g), '<abcd>ef');
});

test('a pattern that matches nothing at all marks nothing', () => {
  assert.equal(marked('abc', /x*/g), 'abc');
});

test("a line's own colours are no part of what is matched, and stay", () => {
  assert.equal(marked('GET {32}200{0} ok', /GET 200/g), '<GET {32}<200>{0} ok');
  assert.equal(marked('{31}error{0}', /error/g), '{31}<error>{0}');
  assert.equal(marked('a{31}b{0}c', /abc/g), '<a{31}<b{0}<c>');
});
