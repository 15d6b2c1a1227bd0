import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogReport } from '../../../src/events.ts';
import { LogLines, type LogLook, plainLook } from '../../../src/terminal/log-lines.ts';
import { LogPrefixes } from '../../../src/terminal/log-prefix.ts';
import { LogClock } from '../../../src/terminal/log-time.ts';
import { SourceColours } from '../../../src/terminal/source-colours.ts';
import { createStyle } from '../../../src/terminal/style.ts';

function open({ colours = false, ...look }: Partial<LogLook> & { colours?: boolean } = {}) {
  const style = createStyle(colours);
  const prefixes = new LogPrefixes({
    style: createStyle(false),
    colours: new SourceColours(),
    columns: () => undefined,
  });
  const lines = new LogLines(style, { ...plainLook, ...look }, prefixes);
  return (line: string, more: Partial<LogReport> = {}) =>
    lines.format({
      type: 'log',
      source: 'web',
      namespace: 'storm',
      pod: 'web-1',
      container: 'main',
      stamp: '2026-01-01T00:00:00.123456789Z',
      line,
      ...more,
    });
}

test('a line comes behind its source, and its time where that is asked for', () => {
  assert.equal(open()('text'), 'web │ text');
  assert.equal(open({ clock: new LogClock('short', 'UTC') })('text'), 'web │ 00:00:00.123 text');
});

test("a container's open colours begin its next line, and no other's", () => {
  const format = open({ colours: true });
  assert.equal(format('\u001B[31mone'), 'web │ \u001B[31mone\u001B[0m');
  assert.equal(format('text', { source: 'db', pod: 'db-1' }), 'db  │ text');
  assert.equal(format('two'), 'web │ \u001B[31mtwo\u001B[0m');
  assert.equal(format('three\u001B[39m'), 'web │ \u001B[31mthree\u001B[39m');
  assert.equal(format('four'), 'web │ four');
});

test('a program that never closes its colours does not paint for ever', () => {
  const format = open({ colours: true });
  format('\u001B[31mone');
  const painted = Array.from({ length: 200 }, () => format('text')).filter((line) => line !== 'web │ text');
  assert.equal(painted.length, 100);
});

test('matches are marked where there are colours', () => {
  assert.equal(open({ highlight: [/ex/g], colours: true })('text'), 'web │ t\u001B[7mex\u001B[27mt');
  assert.equal(open({ highlight: [/ex/g] })('text'), 'web │ text');
});
