import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import { nothingAsked } from '../../../src/deploy/protected.ts';
import { tellAtRisk } from '../../../src/dev/tell-at-risk.ts';
import type { Report } from '../../../src/events.ts';
import type { Project } from '../../../src/project.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, projectOf, ref, statefulSet } from '../deploy/support.ts';

const { signal } = new AbortController();

async function tell(kube: FakeKube, onExit: Project['onExit'] = 'delete'): Promise<readonly Report[]> {
  const reports: Report[] = [];
  await tellAtRisk(kube, { ...projectOf(), onExit }, (report) => reports.push(report), signal);
  return reports;
}

test('what was deployed before a session is told to go with it, and how to keep it', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a')]);
  const [warning, ...others] = await tell(kube);
  assert.ok(warning?.type === 'warning');
  assert.match(warning.text, /^storm was deployed in storm before: Ctrl\+C deletes that too/);
  assert.match(warning.next ?? '', /`onExit: keep`/);
  assert.deepEqual(others, []);
});

test('nothing is told where nothing goes: before a first deploy, after a delete that kept claims, and with onExit: keep', async () => {
  const kube = new FakeKube();
  assert.deepEqual(await tell(kube), []);
  await applyTo(kube, [statefulSet('pg')]);
  kube.put(claim('data-pg-0', 'pg'));
  assert.deepEqual(await tell(kube, 'keep'), []);
  await deleteProject({ kube, ...ref, ...nothingAsked, signal, report: () => {} });
  assert.deepEqual(await tell(kube), []);
});
