import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outages } from '../../../src/dev/outages.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
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
    new Failure('unreachable', reason, { cause: refusal('GET', '/api/v1/namespaces/storm', status, reason, reason) });
  const reports: Report[] = [];
  const outages = new Outages((report) => reports.push(report));
  const { signal } = new AbortController();
  await assert.rejects(
    outages.outlast('the cluster', () => Promise.reject(refused(403, 'Forbidden')), signal),
    {
      message: 'Forbidden',
    },
  );
  assert.deepEqual(reports, []);
  let tries = 0;
  const task = () => (tries++ === 0 ? Promise.reject(refused(401, 'Unauthorized')) : Promise.resolve('done'));
  assert.equal(await outages.outlast('the cluster', task, signal), 'done');
});

test('an abort ends the waiting', async () => {
  const controller = new AbortController();
  const outages = new Outages(() => controller.abort());
  await assert.rejects(
    outages.outlast('the cluster', () => Promise.reject(new Failure('unreachable', 'gone')), controller.signal),
    { name: 'AbortError' },
  );
});
