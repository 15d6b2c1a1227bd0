import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineSplitter } from '../../../src/lib/lines.ts';
import type { Line } from '../../../src/lib/lines.ts';

function split(chunks: readonly Buffer[], cap?: number): readonly Line[] {
  const splitter = new LineSplitter(cap);
  const lines = chunks.flatMap((chunk) => splitter.push(chunk));
  const tail = splitter.end();
  return tail ? [...lines, tail] : lines;
}

/** `text` broken into two chunks at every byte. */
function everyCut(text: string): readonly (readonly Buffer[])[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
}

describe('LineSplitter', () => {
  it('gives the same lines wherever the bytes are cut', () => {
    for (const chunks of everyCut('één\r\n\n日本 🌀\nlast')) {
      assert.deepEqual(
        split(chunks).map(({ text, ended }) => [text, ended]),
        [
          ['één', true],
          ['', true],
          ['日本 🌀', true],
          ['last', false],
        ],
      );
    }
  });

  it('keeps a carriage return that no newline follows', () => {
    assert.deepEqual(
      split([Buffer.from('10%\r20%\n')]).map(({ text }) => text),
      ['10%\r20%'],
    );
  });

  it('cuts a line over the cap into the same pieces wherever the bytes are cut, never inside a character', () => {
    for (const chunks of everyCut('abc🌀def\nabcd\n')) {
      assert.deepEqual(split(chunks, 4), [
        { text: 'abc🌀', rest: false, ended: false },
        { text: 'def', rest: true, ended: true },
        { text: 'abcd', rest: false, ended: true },
      ]);
    }
  });

  it('has no last line when the stream ends with a newline', () => {
    const splitter = new LineSplitter();
    splitter.push(Buffer.from('a\n'));
    assert.equal(splitter.end(), undefined);
  });

  it('shows bytes that are no UTF-8 as replacement characters', () => {
    assert.equal(split([Buffer.from([0x61, 0xff, 0x62, 0x0a])])[0]?.text, 'a\ufffdb');
  });
});
