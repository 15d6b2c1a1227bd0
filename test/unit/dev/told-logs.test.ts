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
  const told = new ToldLogs(() => Date.parse('2026-01-01T00:00:05Z'));
  return sessions.map((lines) => {
    const seen: Report[] = [];
    told.start();
    const report = told.wrap((each) => seen.push(each));
    lines.forEach(report);
    told.stop();
    return seen.map((each) => (each.type === 'log' ? each.line : each.type));
  });
}

test('the first session reads as much as `logs` does, the next one from shortly before that one stopped', () => {
  const told = new ToldLogs(() => Date.parse('2026-01-01T00:10:00Z'));
  assert.deepEqual(told.start(), { tailLines: 200, sinceTime: '2026-01-01T00:00:00.000Z' });
  told.stop();
  assert.deepEqual(told.start(), { sinceTime: '2026-01-01T00:09:50.000Z' });
});

test('containers of long ago are forgotten, those that a next session asks for again are not', () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const told = new ToldLogs(() => now);
  const seen: string[] = [];
  const report = told.wrap((each) => each.type === 'log' && seen.push(each.line));
  const print = (pod: number, line: string) =>
    report({ ...log(0, line, `web-${pod}`), stamp: new Date(now).toISOString().replace('Z', '000000Z') });
  told.start();
  for (let pod = 0; pod < 5000; pod++) {
    print(pod, 'hello');
    now += 1000;
  }
  assert.ok(told.size < 300, `${told.size} containers are remembered`);
  now -= 1000;
  told.stop();
  told.start();
  seen.length = 0;
  now += 3_600_000;
  for (let pod = 0; pod < 1000; pod++) print(10_000 + pod, 'new');
  now -= 3_600_000;
  print(4999, 'hello');
  assert.ok(!seen.includes('hello'), 'a line of the session before came twice');
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
