import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notReady } from '../../../src/up/not-ready.ts';

const job = {
  id: { apiVersion: 'batch/v1', kind: 'Job', namespace: 'storm', name: 'j' },
  because: 'container c can\'t be started: exec: "nosuch"',
  isFinal: true,
  detail: undefined,
};
const web = {
  id: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'storm', name: 'web' },
  because: 'container c keeps crashing: exit code 1',
  isFinal: false,
  detail: 'one\ntwo',
};

test('a Job that failed is not late, and more time is no advice for it', () => {
  const { message, detail, next } = notReady([job], 30_000, []);
  assert.equal(message, 'job/j failed: container c can\'t be started: exec: "nosuch"; it is not tried again');
  assert.deepEqual([detail, next], [undefined, 'mend it and run again']);
});

test('what the pods of several said stands below each', () => {
  const { message, detail, next } = notReady([web, job, { ...web, id: { ...web.id, name: 'api' } }], 30_000, []);
  assert.equal(message, 'not ready after 30 s: deployment/web, deployment/api; failed for good: job/j');
  assert.equal(
    detail,
    [
      'deployment/web: container c keeps crashing: exit code 1',
      '  one',
      '  two',
      'job/j failed: container c can\'t be started: exec: "nosuch"; it is not tried again',
      'deployment/api: container c keeps crashing: exit code 1',
      '  one',
      '  two',
    ].join('\n'),
  );
  assert.match(next ?? '', /--timeout/);
});

test('what others can mend is not said to have had its tries', () => {
  const paused = { ...web, because: 'it is paused', isFinal: true, detail: undefined };
  assert.equal(notReady([paused], 30_000, []).message, 'deployment/web does not become ready: it is paused');
});

test('of an image that can’t be pulled it is said that no service builds it, where nothing says whose it is', () => {
  const nextOf = (unpulled: string, services: readonly { readonly image: string }[] = []) =>
    notReady([{ ...web, unpulled }], 30_000, services).next;
  assert.match(nextOf('nc2/web:1') ?? '', /^no service of stormctl\.yaml builds nc2\/web: /);
  for (const next of [nextOf('ghcr.io/nc2/web'), nextOf('localhost:5000/web'), nextOf('web:1', [{ image: 'web' }])])
    assert.match(next ?? '', /^mend it/);
});
