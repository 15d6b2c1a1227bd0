import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, Failures } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { maskFailure, maskReports } from '../../../src/up/mask-reports.ts';

const mask = new Mask();
mask.learn([Buffer.from('s3cret-value')]);

test('what builds, containers and the cluster say is masked, and names are not', () => {
  const reports: Report[] = [];
  const report = maskReports((each) => reports.push(each), mask);
  const service = 's3cret-value';
  report({ type: 'build.output', service, line: 'token s3cret-value' });
  report({ type: 'sync.output', service, pod: 'p', container: 'c', line: 's3cret-value' });
  report({ type: 'failed', service, kind: 'build', message: 'm s3cret-value', detail: 'd s3cret-value' });
  const plain: Report = { type: 'note', text: 'nothing here' };
  report(plain);
  assert.deepEqual(reports.slice(0, 3), [
    { type: 'build.output', service, line: 'token ***' },
    { type: 'sync.output', service, pod: 'p', container: 'c', line: '***' },
    { type: 'failed', service, kind: 'build', message: 'm ***', detail: 'd ***' },
  ]);
  assert.equal(reports[3], plain);
});

test('the failures that end a command are masked, each of them, and keep their kind', () => {
  const one = new Failure('build', 'the build failed', { detail: 'echo s3cret-value' });
  assert.equal(maskFailure(one, mask).detail, 'echo ***');
  const both = maskFailure(new Failures([one, new Failure('ship', 's3cret-value')]), mask);
  assert.ok(both instanceof Failures);
  assert.deepEqual(
    both.all.map(({ kind, message, detail }) => [kind, message, detail]),
    [
      ['build', 'the build failed', 'echo ***'],
      ['ship', '***', undefined],
    ],
  );
});
