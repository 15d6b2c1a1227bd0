import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Mask } from '../../../src/lib/mask.ts';
import { MaskedPieces } from '../../../src/lib/masked-pieces.ts';
import { randomOf } from '../../support/random.ts';

function maskOf(...values: readonly string[]): Mask {
  const mask = new Mask();
  mask.learn(values.map((value) => Buffer.from(value)));
  return mask;
}

describe('MaskedPieces', () => {
  it('hides a value on both sides of a cut, also where it is coloured or encoded', () => {
    for (const text of ['p@ssword-1234', 'p@ss\x1b[1mword-1234', 'p%40ssword-1234', String.raw`p\u0040ssword-1234`])
      for (let cut = 1; cut < text.length; cut++) {
        const pieces = new MaskedPieces(maskOf('p@ssword-1234'));
        const far = '.'.repeat(500);
        const first = pieces.next(far + text.slice(0, cut), false).masked;
        const second = pieces.next(text.slice(cut) + far, true).masked;
        assert.equal(
          (first + second).replaceAll('\x1b[1m', '').replaceAll('.', ''),
          '***',
          `${cut} ${first} ${second}`,
        );
      }
  });

  it('hides of random texts, cut anywhere, what it hides of the whole', () => {
    const random = randomOf(11);
    const letters = (length: number) => Array.from({ length }, () => 'ab'[random(2)] ?? '').join('');
    for (let round = 0; round < 300; round++) {
      const mask = maskOf(...Array.from({ length: 1 + random(4) }, () => letters(8 + random(4))));
      const text = letters(400);
      const pieces = new MaskedPieces(mask);
      let masked = '';
      let raw = '';
      for (let at = 0; at < text.length; ) {
        const next = Math.min(text.length, at + 1 + random(150));
        const piece = pieces.next(text.slice(at, next), next === text.length);
        masked += piece.masked;
        raw += piece.raw;
        at = next;
      }
      assert.equal(raw, text);
      assert.equal(masked.replaceAll(/(\*\*\*)+/g, '***'), mask.apply(text));
    }
  });

  it('gives at the end what it kept back, and nothing of a text that has ended', () => {
    const pieces = new MaskedPieces(maskOf('password-1234'));
    assert.equal(pieces.next('a password-1234 b', false).masked, '');
    assert.equal(pieces.end()?.masked, 'a *** b');
    assert.equal(pieces.end(), undefined);
    assert.equal(pieces.next('password-1234', true).masked, '***');
    assert.equal(pieces.end(), undefined);
  });

  it('keeps nothing back where nothing is known, and cuts no character in two', () => {
    assert.equal(new MaskedPieces(new Mask()).next('abc', false).masked, 'abc');
    const mask = maskOf('12345678');
    for (const more of [0, 1]) {
      const pieces = new MaskedPieces(mask);
      const { raw } = pieces.next('.'.repeat(more) + '😀'.repeat(200), false);
      assert.equal(Buffer.from(raw).toString(), raw);
    }
  });
});
