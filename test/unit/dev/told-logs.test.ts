import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ToldLogs } from '../../../src/dev/told-logs.ts';
import type { LogReport, Report } from '../../../src/events.ts';

const log = (second: number, line: string, pod = 'web-1'): LogReport => ({
  type: 'log',
  source: 'web',
  namespace: 'storm',
  pod,
  container: 'web',
  stamp: `2026-01-01T00:00:0${second}.000000000Z`,
  line,
});

/** @returns the lines that get through, session by session. */
function tell(...sessions: LogReport[][]): string[][] {
  const told = new ToldLogs();
  return sessions.map((lines) => {
    const seen: Report[] = [];
    told.start();
    const report = told.wrap((each) => seen.push(each));
    lines.forEach(report);
    told.stop(Date.parse('2026-01-01T00:00:05Z'));
    return seen.map((each) => (each.type === 'log' ? each.line : each.type));
  });
}

test('the first session reads everything, the next one from shortly before that one stopped', () => {
  const told = new ToldLogs();
  assert.equal(told.start(), 'all');
  told.stop(Date.parse('2026-01-01T00:01:00Z'));
  assert.deepEqual(told.start(), { sinceTime: '2026-01-01T00:00:50.000Z' });
});

test('lines that a session told are passed over when the next one reads them again', () => {
  assert.deepEqual(tell([log(1, 'a'), log(2, 'b')], [log(1, 'a'), log(2, 'b'), log(3, 'c')]), [['a', 'b'], ['c']]);
});

test('lines of one stamp are counted, so that none is lost and none comes twice', () => {
  assert.deepEqual(tell([log(1, 'a'), log(1, 'b')], [log(1, 'a'), log(1, 'b'), log(1, 'c')]), [['a', 'b'], ['c']]);
});

test('containers are told apart, and a late line within one session is new', () => {
  assert.deepEqual(tell([log(2, 'a'), log(1, 'late'), log(1, 'x', 'web-2')], [log(2, 'a'), log(1, 'y', 'web-3')]), [
    ['a', 'late', 'x'],
    ['y'],
  ]);
});
