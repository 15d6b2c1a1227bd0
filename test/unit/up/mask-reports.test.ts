import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, Failures } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { maskFailure, maskReports } from '../../../src/up/mask-reports.ts';

const secret = 's3cret-value';
const mask = new Mask();
mask.learn([Buffer.from(secret)]);

test('what builds, containers and the cluster say is masked in every text, and names are not', () => {
  const reports: Report[] = [];
  const report = maskReports((each) => reports.push(each), mask);
  const service = secret;
  report({ type: 'build.output', service, line: `token ${secret}` });
  report({ type: 'sync.output', service, pod: secret, container: secret, line: secret });
  const texts = (text: string) => ({
    message: `m ${text}`,
    where: `w ${text}`,
    detail: `d ${text}`,
    next: `n ${text}`,
  });
  report({ type: 'failed', service, kind: 'build', ...texts(secret) });
  report({ type: 'warning', text: secret, next: `try ${secret}` });
  report({ type: 'session.ended', left: [`it left ${secret}`] });
  const object = { apiVersion: 'v1', kind: 'Secret', namespace: undefined, name: secret };
  report({ type: 'deploy.waiting', object, because: `said ${secret}`, usual: false });
  const plain: Report = { type: 'note', text: 'nothing here' };
  report(plain);
  assert.deepEqual(reports, [
    { type: 'build.output', service, line: 'token ***' },
    { type: 'sync.output', service, pod: secret, container: secret, line: '***' },
    { type: 'failed', service, kind: 'build', ...texts('***') },
    { type: 'warning', text: '***', next: 'try ***' },
    { type: 'session.ended', left: ['it left ***'] },
    { type: 'deploy.waiting', object, because: 'said ***', usual: false },
    plain,
  ]);
  assert.equal(reports.at(-1), plain);
});

test('the failures that end a command are masked, each of them in all its texts, and keep their kind', () => {
  const facts = (text: string) => ({ detail: `echo ${text}`, where: `at ${text}`, next: `see ${text}` });
  const one = maskFailure(new Failure('build', 'the build failed', facts(secret)), mask);
  assert.deepEqual({ detail: one.detail, where: one.where, next: one.next }, facts('***'));
  const both = maskFailure(new Failures([one, new Failure('ship', secret)]), mask);
  assert.ok(both instanceof Failures);
  assert.deepEqual(
    both.all.map(({ kind, message, detail }) => [kind, message, detail]),
    [
      ['build', 'the build failed', 'echo ***'],
      ['ship', '***', undefined],
    ],
  );
});
