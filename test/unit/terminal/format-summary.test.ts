import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Timed } from '../../../src/events.ts';
import { formatSummary } from '../../../src/terminal/format-summary.ts';
import { createStyle } from '../../../src/terminal/style.ts';
import { quietSession } from '../../support/quiet-session.ts';

const style = createStyle(false);

test('a session in which nothing happened is one line', () => {
  assert.deepEqual(formatSummary(quietSession, style), ['', '  session  60.0 s, never ready']);
});

test('a full session is eight lines at most, aligned, and says how often and how fast', () => {
  const timed = (count: number, service: string): Timed => ({
    count,
    medianMs: 40,
    slowestMs: 1200,
    slowest: service,
  });
  const lines = formatSummary(
    {
      ...quietSession,
      ms: 8_100_000,
      readyMs: 8400,
      builds: { ...timed(12, 'gateway'), cached: 3, aborted: 1 },
      rebuilt: { count: 1, medianMs: 5000, slowestMs: 5000, slowest: 'api' },
      synced: { ...timed(41, 'web'), files: 1058 },
      restarted: timed(2, 'web'),
      deleted: 14,
      kept: 2,
      failures: [
        { kind: 'build', count: 2 },
        { kind: 'notReady', count: 1 },
      ],
      warnings: 1,
      outages: { count: 1, ms: 3_900_000 },
      logLines: 1_234_567,
      logCuts: { reconnects: 2, recovered: 1040, gaps: 1 },
      connections: 31,
      refusedConnections: 2,
    },
    style,
  );
  assert.deepEqual(lines, [
    '',
    '  session    2 h 15 min, ready after 8.4 s',
    '  built      12 images, median 40 ms, slowest 1.2 s (gateway), 3 up to date, 1 stopped',
    '  running    1 new image, 5.0 s after the save (api)',
    '  synced     41 times (1 058 files), median 40 ms after the save, slowest 1.2 s (web)',
    '  restarted  2 times, median 40 ms, slowest 1.2 s (web)',
    '  streams    1 234 567 log lines, 2 reconnects (1 040 recovered), 1 gap, 31 connections, 2 refused connections',
    '  deleted    14 objects, kept 2',
    '  trouble    3 failures (build 2, notReady), 1 warning, 1 outage (1 h 5 min)',
  ]);
});
