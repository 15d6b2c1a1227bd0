import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Remotes } from '../../../src/dev/remotes.ts';
import type { Report } from '../../../src/events.ts';

test('what is fetched from elsewhere is told once, and nothing is told where there is none', () => {
  const reports: Report[] = [];
  const remotes = new Remotes((report) => reports.push(report));
  remotes.tell([]);
  remotes.tell(['oci://a/b', 'github.com/org/repo']);
  remotes.tell(['oci://a/b']);
  remotes.tell(['oci://a/b', 'https://c']);
  assert.deepEqual(
    reports.map((report) => (report.type === 'note' ? report.text : report.type)),
    [
      'fetched, not watched: oci://a/b, github.com/org/repo; the key d takes over when they change',
      'fetched, not watched: https://c; the key d takes over when it changes',
    ],
  );
});
