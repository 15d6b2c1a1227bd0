import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../../src/events.ts';
import { Tally } from '../../../src/up/tally.ts';
import { quietSession } from '../../support/quiet-session.ts';

const started: Report = { type: 'session.started', project: 'p', context: 'c', namespace: 'n' };
const object = { apiVersion: 'v1', kind: 'Service', namespace: 'n', name: 'web' };

test('a session is summed up from what it reported', () => {
  const tally = new Tally(1000);
  const reports: readonly Report[] = [
    started,
    { type: 'build.done', service: 'web', image: 'i', cached: true, ms: 1 },
    { type: 'build.done', service: 'api', image: 'i', cached: false, ms: 4000 },
    { type: 'build.aborted', service: 'api', because: 'a newer save' },
    {
      type: 'deploy.applied',
      created: [object],
      changed: [object, object],
      replaced: [],
      unchanged: 3,
      pruned: [],
      ms: 5,
    },
    { type: 'session.ready', ms: 3000, urls: [], onExit: '' },
    { type: 'sync.done', service: 'web', files: 2, containers: 1, ms: 20 },
    { type: 'sync.done', service: 'api', files: 1, containers: 1, ms: 90 },
    { type: 'sync.done', service: 'web', files: 1, containers: 1, ms: 30 },
    { type: 'loop.rebuilt', service: 'api', ms: 5000 },
    { type: 'failed', kind: 'build', message: 'no', service: 'api' },
    { type: 'failed', kind: 'build', message: 'no', service: 'web' },
    { type: 'failed', kind: 'notReady', message: 'no' },
    { type: 'warning', text: 'hm' },
    { type: 'log.recovered', source: 'web', lines: 7 },
    { type: 'log.recovered', source: undefined, lines: 3 },
    { type: 'forward.served', to: 'service/web', port: 80, local: 8080, connections: 5 },
    { type: 'session.lost', what: 'the cluster', cause: 'gone' },
    { type: 'session.resumed', what: 'the cluster', ms: 700 },
    { type: 'forward.refused', to: 'service/web', port: 80, local: 8080, because: 'nobody', times: 3 },
  ];
  for (const report of reports) tally.take(report);
  const summary = tally.summary(61_000);
  assert.ok(summary);
  const { medianMs } = summary.synced;
  assert.ok(medianMs !== undefined && Math.abs(medianMs - 30) < 0.7, `${medianMs}`);
  assert.deepEqual(summary, {
    ...quietSession,
    readyMs: 3000,
    builds: { count: 1, medianMs: 4000, slowestMs: 4000, slowest: 'api', cached: 1, aborted: 1 },
    rebuilt: { count: 1, medianMs: 5000, slowestMs: 5000, slowest: 'api' },
    synced: { count: 3, medianMs, slowestMs: 90, slowest: 'api', files: 4 },
    applied: { created: 1, changed: 2, pruned: 0 },
    failures: [
      { kind: 'build', count: 2 },
      { kind: 'notReady', count: 1 },
    ],
    warnings: 1,
    outages: { count: 1, ms: 700 },
    logCuts: { reconnects: 2, recovered: 10, gaps: 0 },
    connections: 5,
    refusedConnections: 3,
  });
});

test('what is deleted and kept is what the end did, and not what an apply pruned before', () => {
  const tally = new Tally(0);
  tally.take(started);
  tally.take({ type: 'deploy.kept', object, because: 'it may hold data' });
  tally.take({ type: 'session.ending', because: 'Ctrl+C' });
  tally.take({ type: 'deploy.deleted', object });
  const summary = tally.summary(4);
  assert.deepEqual([summary?.deleted, summary?.kept], [1, 0]);
});

test('a session in which nothing happened sums up to nothing', () => {
  const tally = new Tally(0);
  tally.take(started);
  assert.deepEqual(tally.summary(60_000), quietSession);
});

test('nothing is summed up of a command that reached no cluster', () => {
  const tally = new Tally(0);
  tally.take({ type: 'failed', kind: 'unreachable', message: 'no engine' });
  assert.equal(tally.summary(2), undefined);
});
