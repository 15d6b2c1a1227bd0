import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { LogClock } from '../../../src/terminal/log-time.ts';

const stamp = '2026-07-31T23:59:59.123456789Z';

test('a time is RFC 3339 with its zone, the time of day, or all that the node wrote', () => {
  assert.equal(new LogClock('default', 'Europe/Paris').format(stamp), '2026-08-01T01:59:59.123+02:00');
  assert.equal(new LogClock('short', 'Europe/Paris').format(stamp), '01:59:59.123');
  assert.equal(new LogClock('full', 'Asia/Kolkata').format(stamp), '2026-08-01T05:29:59.123456789+05:30');
  assert.equal(new LogClock('default', 'UTC').format(stamp), '2026-07-31T23:59:59.123Z');
});

test('the zone of a time is the one of its own day', () => {
  const clock = new LogClock('default', 'America/New_York');
  assert.equal(clock.format('2026-11-01T05:59:59.000000000Z'), '2026-11-01T01:59:59.000-04:00');
  assert.equal(clock.format('2026-11-01T06:00:00.000000000Z'), '2026-11-01T01:00:00.000-05:00');
});

test('a zone that is none is refused by its name', () => {
  assert.throws(
    () => new LogClock('default', 'Mars/Olympus'),
    (error) => error instanceof Failure && error.kind === 'usage' && error.message.includes('Mars/Olympus'),
  );
});
