import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncTeller } from '../../../src/dev/tell-sync.ts';
import type { Report } from '../../../src/events.ts';

test('who has the files is told to have them when the container that could not be reached is there, or is no more', () => {
  const teller = new SyncTeller();
  const reports: Report[] = [];
  const tell = (outcome: Parameters<SyncTeller['tell']>[2]) =>
    teller.tell((report) => reports.push(report), 'web', outcome, 0);
  tell({ kind: 'pending', because: 'web-2: no route', files: 3 });
  tell({ kind: 'pending', because: 'web-2: no route', files: 1 });
  assert.deepEqual(
    reports.map(({ type }) => type),
    ['note'],
  );
  tell({ kind: 'synced', files: 0, containers: 1, ms: 1 });
  tell({ kind: 'synced', files: 0, containers: 1, ms: 1 });
  const [, done, ...more] = reports;
  assert.ok(done?.type === 'sync.done');
  assert.deepEqual([done.files, done.containers], [3, 1]);
  assert.deepEqual(more, []);
});
