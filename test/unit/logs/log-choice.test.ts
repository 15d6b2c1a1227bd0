import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsOfRun } from '../../../src/logs/log-choice.ts';

test('what a run of a minute started is read from before its beginning, whose clock ever it is by', () => {
  const now = Date.parse('2026-01-01T00:10:00Z');
  assert.deepEqual(limitsOfRun(60_000, now), { sinceTime: '2026-01-01T00:08:50.000Z' });
});
