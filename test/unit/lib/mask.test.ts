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

  it('hides all characters of values that overlap, or of which one is part of another', () => {
    assert.equal(maskOf('abcdefgh', 'efghijkl').apply('-abcdefghijkl-'), '-***-');
    assert.equal(maskOf('password', 'my-password-is-long').apply('my-password-is-long password'), '*** ***');
    const mask = maskOf('password', 'password-of-the-database', 'database-of-users');
    assert.equal(mask.apply('password password-of-the-database-of-users'), '*** ***');
  });

  it('hides each line of a value of several lines, but not the frame of a key', () => {
    const mask = maskOf('-----BEGIN KEY-----\nMIIEvQIBADAN\r\nshort\n-----END KEY-----\n');
    assert.equal(mask.apply('-----BEGIN KEY-----'), '-----BEGIN KEY-----');
    assert.equal(mask.apply('key: MIIEvQIBADAN short'), 'key: *** short');
  });

  it('hides a value in base64, and within base64 of what holds it', () => {
    const value = 'p@ss "word"\nline/2?';
    const mask = maskOf(value);
    assert.equal(mask.apply(`data: ${Buffer.from(value).toString('base64')}`), 'data: ***');
    for (const before of ['', 'u', 'me', 'you']) {
      const text = Buffer.from(`${before}:${value}:and more`).toString('base64');
      const [first, rest] = mask.apply(`Basic ${text}`).split('***');
      assert.ok(rest !== undefined && first !== undefined, text);
      // Only what the value shares a character with is left around it.
      assert.ok(Buffer.from(first.slice(6), 'base64').length <= before.length + 1, first);
      assert.ok(!Buffer.from(rest, 'base64').toString().includes(value.slice(-3)), rest);
    }
  });

  it('hides a value in JSON, however its characters are written there', () => {
    const mask = maskOf('p@ss "wörd"\\/2', 'tok😀en-tok😀en');
    for (const text of [
      String.raw`p@ss \"wörd\"\\/2`,
      String.raw`p@ss \"w\u00f6rd\"\\\/2`,
      String.raw`p\u0040ss \u0022w\u00F6rd\u0022\u005c\u002F2`,
      String.raw`tok\ud83d\ude00en-tok😀en`,
    ])
      assert.equal(mask.apply(`{"a":"${text}","b":"\\n"}`), '{"a":"***","b":"\\n"}', text);
    const inner = JSON.stringify({ dsn: 'p@ss "wörd"\\/2' });
    assert.equal(mask.apply(JSON.stringify({ inner })), String.raw`{"inner":"{\"dsn\":\"***\"}"}`);
  });

  it('hides a value in a URL, whichever characters are percent-encoded, in either case', () => {
    const mask = maskOf('p@ss wörd/2+%41');
    for (const text of [encodeURIComponent('p@ss wörd/2+%41'), 'p%40ss+w%c3%b6rd%2f2+%2541', 'p@ss%20wörd/2%2B%2541'])
      assert.equal(mask.apply(`https://u:${text}@db/%2F?a=100%`), 'https://u:***@db/%2F?a=100%', text);
    assert.equal(
      mask.apply(String.raw`{"url":"https:\/\/u:p%40ss+w%C3%B6rd%2F2%2B%2541@db\/x"}`),
      String.raw`{"url":"https:\/\/u:***@db\/x"}`,
    );
  });

  it('hides a value that is coloured, and keeps the colours', () => {
    const mask = maskOf('password-1234', 'wörd-"quoted"');
    assert.equal(mask.apply('a \x1b[31mpassword-1234\x1b[0m b'), 'a \x1b[31m***\x1b[0m b');
    assert.equal(mask.apply('a pass\x1b[1mword\x1b[22m-1234 b'), 'a ***\x1b[1m\x1b[22m b');
    const rainbow = 'password-1234'.replaceAll(/./g, '\x1b[31m$&');
    assert.equal(mask.apply(`${rainbow}\x1b[0m!`).replaceAll('\x1b[31m', ''), '***\x1b[0m!');
    assert.equal(
      mask.apply('pass\x1b]8;;https://a.b\x1b\\word\x1b]8;;\x07-1234'),
      '***\x1b]8;;https://a.b\x1b\\\x1b]8;;\x07',
    );
    assert.equal(mask.apply('\x1b]8;;https://u:password-1234@db\x1b\\link'), '\x1b]8;;https://u:***@db\x1b\\link');
    assert.equal(mask.apply('{"a":"w\\u00f6rd-\x1b[1m\\"quo\x1b[0mted\\""}'), '{"a":"***\x1b[1m\x1b[0m"}');
    const plain = '\x1b[1mnothing\x1b[0m here';
    assert.equal(mask.apply(plain), plain);
  });

  it('does not take lines that are in many texts for secrets', () => {
    const mask = maskOf('# ----------------\n==========\nkey: 1234-5678\n{}\n');
    assert.equal(mask.apply('---------------- ========== key: 1234-5678'), '---------------- ========== ***');
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
  const hidden = Array.from(text, () => false);
  for (const value of values)
    for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1))
      hidden.fill(true, at, at + value.length);
  return Array.from(text, (letter, at) => (hidden[at] ? (hidden[at - 1] ? '' : '***') : letter)).join('');
}
