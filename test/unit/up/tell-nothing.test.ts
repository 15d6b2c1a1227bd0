import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../../src/events.ts';
import type { Plan } from '../../../src/up/plan.ts';
import { tellNothing } from '../../../src/up/tell-nothing.ts';

test('a plan without an object is said to deploy nothing, and why', () => {
  const told = (objects: readonly unknown[], deploy: readonly unknown[]) => {
    const reports: Report[] = [];
    tellNothing({ objects, project: { file: '/a/stormctl.yaml', deploy } } as unknown as Plan, (report) =>
      reports.push(report),
    );
    return reports.map((report) => report.type === 'warning' && report.text);
  };
  assert.deepEqual(told([], []), ['there is nothing to deploy: `deploy` of stormctl.yaml is empty']);
  assert.deepEqual(told([], [{}]), ['there is nothing to deploy: the manifests hold no object']);
  assert.deepEqual(told([{}], [{}]), []);
});
