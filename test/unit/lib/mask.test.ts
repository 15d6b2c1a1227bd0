import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Mask } from '../../../src/lib/mask.ts';
import { randomOf } from '../../support/random.ts';

function maskOf(...values: readonly string[]): Mask {
  const mask = new Mask();
  mask.learn(values.map((value) => Buffer.from(value)));
  return mask;
}

describe('Mask', () => {
  it('hides a value wherever it stands in a line, each time', () => {
    const mask = maskOf('hunter2-hunter2', 'other-secret');
    assert.equal(mask.apply('hunter2-hunter2 is hunter2-hunter2, not other-secret'), '*** is ***, not ***');
    assert.equal(mask.apply('hunter2 other'), 'hunter2 other');
  });

  it('leaves values of less than eight characters alone, and counts no white space around them', () => {
    const mask = maskOf('postgre', 'seven77\n', 'eight888\n');
    assert.equal(mask.apply('postgre seven77 eight888'), 'postgre seven77 ***');
  });

  it('hides the longest of values that begin alike, and what of others overlaps it', () => {
    const mask = maskOf('password', 'password-of-the-database', 'database-of-users');
    assert.equal(mask.apply('password password-of-the-database-of-users'), '*** ***-of-users');
  });

  it('hides each line of a value of several lines, but not the frame of a key', () => {
    const mask = maskOf('-----BEGIN KEY-----\nMIIEvQIBADAN\r\nshort\n-----END KEY-----\n');
    assert.equal(mask.apply('-----BEGIN KEY-----'), '-----BEGIN KEY-----');
    assert.equal(mask.apply('key: MIIEvQIBADAN short'), 'key: *** short');
  });

  it('hides a value in base64, in JSON and in a URL', () => {
    const value = 'p@ss "word"\nline/2?';
    const mask = maskOf(value);
    assert.equal(mask.apply(`data: ${Buffer.from(value).toString('base64')}`), 'data: ***');
    assert.equal(mask.apply(`{"dsn":${JSON.stringify(value)}}`), '{"dsn":"***"}');
    assert.equal(mask.apply(`https://u:${encodeURIComponent(value)}@db`), 'https://u:***@db');
  });

  it('hides bytes that are no text in base64 alone', () => {
    const mask = new Mask();
    const bytes = Buffer.from([0xff, 0xfe, 1, 2, 3, 4, 5, 6, 0xff]);
    mask.learn([bytes]);
    assert.equal(mask.apply(`${bytes.toString('base64')} ${bytes.toString('utf8')}`), `*** ${bytes.toString('utf8')}`);
  });

  it('goes on hiding a value that was replaced', () => {
    const mask = maskOf('first-value');
    mask.learn([Buffer.from('second-value')]);
    assert.equal(mask.apply('first-value second-value'), '*** ***');
  });

  it('finds in random text exactly what looking at every place finds', () => {
    const random = randomOf(7);
    const letters = (length: number) => Array.from({ length }, () => 'ab'[random(2)] ?? '').join('');
    for (let round = 0; round < 300; round++) {
      const values = Array.from({ length: 1 + random(6) }, () => letters(8 + random(4)));
      const text = letters(random(120));
      assert.equal(maskOf(...values).apply(text), maskSlowly(text, values), `${values.join(',')} in ${text}`);
    }
  });
});

function maskSlowly(text: string, values: readonly string[]): string {
  const longestFirst = values.toSorted((a, b) => b.length - a.length);
  let masked = '';
  for (let at = 0; at < text.length; ) {
    const found = longestFirst.find((value) => text.startsWith(value, at));
    masked += found === undefined ? (text[at] ?? '') : '***';
    at += found?.length ?? 1;
  }
  return masked;
}
