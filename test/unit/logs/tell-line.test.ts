import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../../src/events.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { filterFor } from '../../../src/logs/exclude.ts';
import { StampedLines } from '../../../src/logs/stamped-lines.ts';
import { lineTeller } from '../../../src/logs/tell-line.ts';

const stamp = '2026-01-01T00:00:00.000000001Z';
const secret = 'swordfish-1234';

/** What is told of a log that is read in chunks of any size. */
function toldOf(log: string): readonly string[] {
  const mask = new Mask();
  mask.learn([Buffer.from(secret)]);
  const lines: string[] = [];
  const report = (each: Report) => each.type === 'log' && lines.push(each.line);
  const origin = { source: 'web', namespace: 'storm', pod: 'web-1', container: 'main', init: false };
  const filter = filterFor({ include: [], exclude: [] }, 'web', 'main');
  const teller = lineTeller(origin, { filter, mask, report });
  const stamped = new StampedLines();
  for (const line of stamped.push(Buffer.from(log))) teller.tell(line);
  const tail = stamped.end();
  if (tail) teller.tell(tail);
  teller.end();
  return lines;
}

test('a value that lies across the cut of a very long line is hidden on both sides', () => {
  const cap = 1024 * 1024;
  for (const inFirst of [1, 7, secret.length - 1]) {
    const long = `${'.'.repeat(cap - stamp.length - 1 - inFirst)}${secret}-and-more`;
    for (const end of ['\n', '']) {
      const told = toldOf(`${stamp} ${long}${end}`);
      assert.equal(told.join('').replaceAll('.', ''), '***-and-more', `${inFirst} ${told.length}`);
      assert.ok(told.every((line) => line.length <= cap));
    }
  }
});

test('the end of a very long line is told before the next line, and where nothing follows', () => {
  const cap = 1024 * 1024;
  const long = '.'.repeat(cap - stamp.length - 1);
  const exact = `${stamp} ${long}`;
  assert.equal(toldOf(`${exact}x\n${stamp} next\n`).join('|').replaceAll('.', ''), '|x|next');
  assert.equal(toldOf(`${exact}x`).join('').length, long.length + 1);
  assert.equal(toldOf(`${exact}xx`).join('').length, long.length + 2);
});
