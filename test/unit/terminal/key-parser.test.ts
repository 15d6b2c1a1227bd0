import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Key, KeyParser } from '../../../src/terminal/key-parser.ts';

const text = (letter: string): Key => ({ kind: 'text', text: letter });
const parse = (...chunks: readonly (string | Buffer)[]) => {
  const parser = new KeyParser();
  return chunks.flatMap((chunk) => parser.feed(Buffer.from(chunk as string)));
};

test('letters, control keys, Enter and backspace are keys of their own', () => {
  assert.deepEqual(parse('r1\r\u007F\u0003\u001A'), [
    text('r'),
    text('1'),
    { kind: 'enter' },
    { kind: 'backspace' },
    { kind: 'ctrl', letter: 'c' },
    { kind: 'ctrl', letter: 'z' },
  ]);
});

test('an escape sequence is one key, wherever the chunks part it, and never its letters', () => {
  for (const sequence of ['\u001B[A', '\u001B[1;5C', '\u001BOP', '\u001B[3~', '\u001B[<0;12;5M', '\u001Bq']) {
    for (let at = 1; at <= sequence.length; at++)
      assert.deepEqual(parse(sequence.slice(0, at), sequence.slice(at)), [{ kind: 'other' }], JSON.stringify(sequence));
  }
});

test('an escape that nothing follows is the Escape key', () => {
  const parser = new KeyParser();
  assert.deepEqual(parser.feed(Buffer.from('\u001B')), []);
  assert.equal(parser.waits, true);
  assert.deepEqual(parser.flush(), [{ kind: 'escape' }]);
  assert.equal(parser.waits, false);
  assert.deepEqual(parser.flush(), []);
  assert.deepEqual(parse('\u001B\u001B[A'), [{ kind: 'escape' }, { kind: 'other' }]);
});

test('a character whose bytes are split over chunks is one', () => {
  const bytes = Buffer.from('é🚀');
  for (let at = 1; at < bytes.length; at++)
    assert.deepEqual(parse(bytes.subarray(0, at), bytes.subarray(at)), [text('é'), text('🚀')]);
});

test('pasted text is one key, wherever the chunks part it', () => {
  const pasted = 'a\u001B[200~quit\rnow\u001B[201~b';
  for (let at = 1; at < pasted.length; at++)
    assert.deepEqual(parse(pasted.slice(0, at), pasted.slice(at)), [
      text('a'),
      { kind: 'paste', text: 'quit\rnow' },
      text('b'),
    ]);
});
