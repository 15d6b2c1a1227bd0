import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WhatWasDone } from '../../../src/commands/what-was-done.ts';
import type { Report } from '../../../src/events.ts';

const object = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'cm' };
const waiting: Report = { type: 'deploy.waiting', object, because: 'it is being deleted', usual: false };
const applied = (created: readonly (typeof object)[], pruned: readonly (typeof object)[] = []): Report => ({
  type: 'deploy.applied',
  created,
  changed: [],
  replaced: [],
  unchanged: 1,
  pruned,
  ms: 1,
});

test('an interrupted run tells what it waited for, and what it applied only when it did', () => {
  const done = new WhatWasDone('shop');
  const seen: Report[] = [];
  const report = done.listen((each) => seen.push(each));
  report(applied([]));
  report(waiting);
  assert.deepEqual(done.left(), [
    'configmap/cm, still waited for: it is being deleted',
    'nothing of shop that is known of; what an apply under way wrote, `stormctl delete` removes',
  ]);
  report(applied([object]));
  report({ type: 'deploy.ready', object, ms: 1 });
  assert.deepEqual(done.left(), ['what it had applied of shop: `stormctl delete` removes it']);
  assert.equal(seen.length, 4);
});

test('a run that only pruned has not left everything as it was', () => {
  const done = new WhatWasDone('shop');
  done.listen(() => {})(applied([], [object]));
  assert.deepEqual(done.left(), ['what it had applied of shop: `stormctl delete` removes it']);
});

test('what two applies did is told together, each object once', () => {
  const done = new WhatWasDone('shop');
  const report = done.listen(() => {});
  report(applied([object]));
  report(applied([object], [{ ...object, name: 'old' }]));
  const { created, pruned, unchanged } = done.facts();
  assert.deepEqual([created, pruned, unchanged], [[object], [{ ...object, name: 'old' }], 2]);
});
