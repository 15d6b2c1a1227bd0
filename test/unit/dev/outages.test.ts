import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outages } from '../../../src/dev/outages.ts';
import { clusterFailure } from '../../../src/deploy/ask.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { LoginFailure } from '../../../src/kube/kube.ts';
import { refusal } from '../../support/fake-kube.ts';

test('an outage is told once, outlasted, and told to be over', async () => {
  const reports: Report[] = [];
  const outages = new Outages((report) => reports.push(report));
  let tries = 0;
  const task = () => {
    tries++;
    return tries < 3 ? Promise.reject(new Failure('unreachable', 'connection refused')) : Promise.resolve('done');
  };
  assert.equal(await outages.outlast('the cluster', task, new AbortController().signal), 'done');
  assert.deepEqual(
    reports.map(({ type }) => type),
    ['session.lost', 'session.resumed'],
  );
});

test('any other failure is the caller’s at once', async () => {
  const outages = new Outages(() => assert.fail('no outage'));
  await assert.rejects(
    outages.outlast('the cluster', () => Promise.reject(new Failure('build', 'no')), new AbortController().signal),
    /no/,
  );
});

test('a cluster that refuses is not away, but for a login that can be renewed', async () => {
  const refused = (status: number, reason: string) =>
    clusterFailure(refusal('GET', '/api/v1/namespaces/storm', status, reason, reason));
  const reports: Report[] = [];
  const outages = new Outages((report) => reports.push(report));
  const { signal } = new AbortController();
  await assert.rejects(
    outages.outlast('the cluster', () => Promise.reject(refused(403, 'Forbidden')), signal),
    { kind: 'refused', message: /Forbidden/ },
  );
  assert.equal(reports.length, 0);
  let tries = 0;
  const login = new LoginFailure('not accepted', { next: 'log in' });
  const task = () => (tries++ < 2 ? Promise.reject(login) : Promise.resolve('done'));
  assert.equal(await outages.outlast('the cluster', task, signal), 'done');
  const what = 'access to the cluster';
  assert.deepEqual(reports[0], { type: 'session.lost', what, cause: 'not accepted', next: 'log in' });
  assert.deepEqual(
    reports.map((report) => 'what' in report && [report.type, report.what]),
    [
      ['session.lost', what],
      ['session.resumed', what],
    ],
  );
});

test('a cluster that has too much to do is busy, and gone when it goes: each is told once', () => {
  const reports: Report[] = [];
  const outages = new Outages((report) => reports.push(report));
  const busy = refusal('GET', '/x', 429, 'TooManyRequests', 'try later');
  for (const cause of [busy, new Failure('unreachable', 'it refuses', { cause: busy })])
    outages.lost('the cluster', cause);
  outages.resumed('the cluster');
  for (const cause of [busy, new Error('no network'), busy]) outages.lost('the cluster', cause);
  outages.resumed('the cluster');
  assert.deepEqual(
    reports.map((report) => [report.type, 'busy' in report]),
    [
      ['session.lost', true],
      ['session.resumed', true],
      ['session.lost', true],
      ['session.lost', false],
      ['session.resumed', false],
    ],
  );
});

test('that a person has to log in is told once more of a cluster that was away before', () => {
  const reports: Report[] = [];
  const outages = new Outages((report) => reports.push(report));
  const login = new LoginFailure('the plugin aws failed', {
    detail: 'run aws sso login\nbye',
    next: 'do',
  });
  outages.lost('the cluster', new Error('no network'));
  for (const _ of [1, 2]) outages.lost('the cluster', login);
  outages.resumed('the cluster');
  assert.deepEqual(
    reports.map((report) => ('text' in report ? [report.text, 'next' in report && report.next] : report.type)),
    ['session.lost', ['the plugin aws failed: run aws sso login', 'do'], 'session.resumed'],
  );
});

test('an abort ends the waiting', async () => {
  const controller = new AbortController();
  const outages = new Outages(() => controller.abort());
  await assert.rejects(
    outages.outlast('the cluster', () => Promise.reject(new Failure('unreachable', 'gone')), controller.signal),
    { name: 'AbortError' },
  );
});
