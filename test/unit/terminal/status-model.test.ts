import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../../src/events.ts';
import { type Phase, StatusModel } from '../../../src/terminal/status-model.ts';

const deployment = (name: string) => ({ apiVersion: 'apps/v1', kind: 'Deployment', name });
const inStorm = (name: string) => ({ ...deployment(name), namespace: 'storm' });
const services: Report = {
  type: 'session.services',
  services: [
    { name: 'web', selected: true, objects: [deployment('frontend')] },
    { name: 'api', selected: false, objects: [deployment('api'), deployment('worker')] },
  ],
};
const applied = (...names: readonly string[]): Report => ({
  type: 'deploy.applied',
  created: [],
  changed: names.map(inStorm),
  unchanged: 0,
  replaced: [],
  pruned: [],
  ms: 1,
});
const ready = (name: string): Report => ({ type: 'deploy.ready', object: inStorm(name), ms: 1 });
const built = (service: string): readonly Report[] => [
  { type: 'build.started', service, because: '' },
  { type: 'build.done', service, image: '', cached: false, ms: 1 },
  { type: 'ship.done', service, image: '', how: 'push', ms: 1 },
];

function follow() {
  const model = new StatusModel();
  let now = 0;
  const tell = (...reports: readonly Report[]) => {
    for (const report of reports) model.update(report, ++now);
  };
  const phases = () => model.status.services.map(({ phase }): Phase => phase);
  tell(services);
  return { model, tell, phases };
}

test('a service goes from building over shipping and waiting to ready, each with its time', () => {
  const { model, tell, phases } = follow();
  const seen: Phase[] = [];
  for (const report of [...built('web'), applied('frontend'), ready('frontend')]) {
    tell(report);
    seen.push(phases()[0] as Phase);
  }
  assert.deepEqual(seen, ['building', 'shipping', 'waiting', 'waiting', 'ready']);
  assert.deepEqual(model.status.services, [
    { name: 'web', phase: 'ready', trouble: undefined, at: 6 },
    { name: 'api', phase: 'starting', trouble: undefined, at: 1 },
  ]);
});

test('a service of several workloads is ready when all of them are', () => {
  const { tell, phases } = follow();
  tell(...built('api'), applied('api', 'worker'), ready('api'));
  assert.equal(phases()[1], 'waiting');
  tell(ready('worker'));
  assert.equal(phases()[1], 'ready');
});

test('a rollout that ends during a newer build does not hide it', () => {
  const { tell, phases } = follow();
  tell(applied('frontend'), { type: 'build.started', service: 'web', because: '' }, ready('frontend'));
  assert.equal(phases()[0], 'building');
});

test('what fails in the cluster counts for the service whose workload it is', () => {
  const { tell, phases } = follow();
  tell({ type: 'failed', service: 'frontend', kind: 'notReady', message: '' });
  assert.deepEqual(phases(), ['failed', 'starting']);
  tell({ type: 'failed', service: 'api', kind: 'build', message: '' });
  assert.deepEqual(phases(), ['failed', 'failed']);
});

test('a sync, an image that did not change, and changes that wait are states', () => {
  const { tell, phases } = follow();
  tell({ type: 'sync.done', service: 'web', files: 1, containers: 1, ms: 1 }, ...built('api'));
  tell({ type: 'loop.unchanged', service: 'api' });
  assert.deepEqual(phases(), ['synced', 'ready']);
  tell({ type: 'loop.held', service: 'api', paths: ['a'], because: '', next: undefined });
  assert.deepEqual(phases(), ['synced', 'changed']);
  tell({ type: 'loop.restarting', service: 'api' });
  assert.equal(phases()[1], 'waiting');
  tell({ type: 'loop.restarted', service: 'api', ms: 1 });
  assert.equal(phases()[1], 'changed', 'what waited still does');
  tell(...built('api'), { type: 'loop.rebuilt', service: 'api', ms: 1 });
  assert.equal(phases()[1], 'ready');
});

test('a pause, what it holds, and an outage are seen until they are over', () => {
  const { model, tell } = follow();
  tell({ type: 'loop.paused' }, { type: 'session.lost', what: 'the cluster', cause: '' });
  tell({ type: 'loop.held', service: undefined, paths: ['a', 'b'], because: '', next: undefined });
  const { paused, held, lost } = model.status;
  assert.deepEqual({ paused, held, lost }, { paused: true, held: 2, lost: [{ what: 'the cluster', how: 'gone' }] });
  tell({ type: 'loop.resumed', files: 2 }, { type: 'session.resumed', what: 'the cluster', ms: 1 });
  assert.deepEqual([model.status.paused, model.status.lost], [false, []]);
  tell({ type: 'loop.paused' }, { type: 'session.started', project: '', context: '', namespace: '' });
  assert.equal(model.status.paused, false, 'a session that follows watches');
});

test('services that stay keep their state when the manifests change, and only those asked for can be asked', () => {
  const { model, tell, phases } = follow();
  tell({ type: 'sync.done', service: 'web', files: 1, containers: 1, ms: 1 }, services);
  assert.deepEqual(phases(), ['synced', 'starting']);
  assert.deepEqual(model.selected, ['web']);
});

test('what keeps a service from its start is told in few words, the last of them, until it is built anew or ready', () => {
  const { model, tell } = follow();
  const troubles = () => model.status.services.map(({ trouble }) => trouble);
  const waits = (brief: string): Report => ({
    type: 'deploy.waiting',
    object: inStorm('frontend'),
    because: 'it keeps crashing',
    brief,
    usual: false,
  });
  tell(...built('web'), applied('frontend'), waits('crash loop, exit 1, 1 restart'));
  assert.deepEqual(troubles(), ['crash loop, exit 1, 1 restart', undefined]);
  tell(waits('crash loop, exit 1, 2 restarts'));
  assert.deepEqual(troubles(), ['crash loop, exit 1, 2 restarts', undefined]);
  tell(...built('web'));
  assert.deepEqual(troubles(), [undefined, undefined]);
  tell(waits('crashed, exit 1'), ready('frontend'));
  assert.deepEqual(troubles(), [undefined, undefined]);
});

test('what the cluster refused is as it was before once an apply takes it, and failed while it does not', () => {
  const { tell, phases } = follow();
  const refused: Report = {
    type: 'failed',
    service: 'web',
    refused: inStorm('frontend'),
    kind: 'usage',
    message: '',
  };
  tell(...built('web'), applied('frontend'), ready('frontend'), applied(), refused);
  assert.equal(phases()[0], 'failed');
  tell(applied(), refused);
  assert.equal(phases()[0], 'failed');
  tell(applied());
  assert.equal(phases()[0], 'ready');
});

test('an apply mends no build that failed', () => {
  const { tell, phases } = follow();
  tell(...built('web'), applied('frontend'), ready('frontend'));
  tell({ type: 'failed', service: 'web', kind: 'usage', message: '' }, applied());
  assert.equal(phases()[0], 'failed');
});

const refusedFrontend: Report = {
  type: 'failed',
  service: 'web',
  refused: inStorm('frontend'),
  kind: 'usage',
  message: '',
};

test('what was refused is tried again when the manifests have changed meanwhile', () => {
  const { tell, phases } = follow();
  tell(...built('web'), applied('frontend'), ready('frontend'), refusedFrontend, services, applied());
  assert.equal(phases()[0], 'ready');
});

test('an apply does not mend what failed otherwise before or after it was refused', () => {
  const failed: Report = { type: 'failed', service: 'web', kind: 'build', message: '' };
  for (const reports of [
    [failed, refusedFrontend],
    [refusedFrontend, failed],
  ]) {
    const { tell, phases } = follow();
    tell(...built('web'), applied('frontend'), ready('frontend'), ...reports, applied());
    assert.equal(phases()[0], 'failed');
  }
});

test('what was refused while it rolled out, and is ready meanwhile, is ready once an apply takes it', () => {
  const { tell, phases } = follow();
  tell(...built('web'), applied('frontend'), refusedFrontend, ready('frontend'), applied());
  assert.equal(phases()[0], 'ready');
});
