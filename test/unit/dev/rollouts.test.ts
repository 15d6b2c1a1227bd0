import assert from 'node:assert/strict';
import { test as nodeTest } from 'node:test';
import { Outages } from '../../../src/dev/outages.ts';
import { Rollouts } from '../../../src/dev/rollouts.ts';
import type { Report } from '../../../src/events.ts';
import { projectLabel } from '../../../src/objects.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { until } from '../../support/until.ts';

const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

const never = new AbortController().signal;
const job = (name: string) => ({ apiVersion: 'batch/v1', kind: 'Job', namespace: 'storm', name });

class Scene implements AsyncDisposable {
  readonly kube = new FakeKube({ namespaces: ['storm'] });
  readonly reports: Report[] = [];
  readonly #view = openPodView({ kube: this.kube, namespaces: ['storm'], labelSelector: projectLabel, signal: never });
  readonly rollouts = new Rollouts({
    kube: this.kube,
    view: this.#view,
    outages: new Outages((report) => this.reports.push(report)),
    report: (report) => this.reports.push(report),
  });

  put(name: string, condition?: 'Complete' | 'Failed'): void {
    const { apiVersion, kind, ...id } = job(name);
    const conditions = condition ? [{ type: condition, status: 'True', message: 'BackoffLimitExceeded' }] : [];
    this.kube.put({
      apiVersion,
      kind,
      metadata: { ...id, labels: { [projectLabel]: 'storm' } },
      status: { conditions },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#view[Symbol.asyncDispose]();
  }
}

test('what runs is true', async () => {
  await using scene = new Scene();
  scene.put('a', 'Complete');
  assert.equal(await scene.rollouts.follow('web', [job('a')], never), true);
});

test('what failed for good is told once, and the others are waited for', async () => {
  await using scene = new Scene();
  scene.put('a', 'Failed');
  scene.put('b');
  const following = scene.rollouts.follow('web', [job('a'), job('b')], never);
  scene.put('b', 'Complete');
  assert.equal(await following, false);
  assert.deepEqual(
    scene.reports.flatMap((report) => (report.type === 'failed' ? [report.message] : [])),
    ['job/a failed: BackoffLimitExceeded'],
  );
});

test('a newer wait of the same subject takes the place of the older one', async () => {
  await using scene = new Scene();
  scene.put('a');
  const older = scene.rollouts.follow('web', [job('a')], never);
  const newer = scene.rollouts.follow('web', [job('a')], never);
  assert.equal(await older, false);
  scene.put('a', 'Complete');
  assert.equal(await newer, true);
});

test('what is not to be there any more is not waited for', async () => {
  await using scene = new Scene();
  scene.put('b', 'Complete');
  const following = scene.rollouts.follow('web', [job('gone'), job('b')], never);
  scene.rollouts.retain([job('b'), job('c')]);
  assert.equal(await following, true);
});

test('an abort ends a wait', async () => {
  await using scene = new Scene();
  const abort = new AbortController();
  const following = scene.rollouts.follow('web', [job('a')], abort.signal);
  abort.abort();
  await assert.rejects(following, { name: 'AbortError' });
});

test('a newer wait takes over what the older one had left, and tells each object once', async () => {
  await using scene = new Scene();
  scene.put('a');
  scene.put('b', 'Complete');
  const told = () => scene.reports.flatMap((report) => (report.type === 'deploy.ready' ? [report.object.name] : []));
  const older = scene.rollouts.follow('manifests', [job('a'), job('b')], never);
  await until(() => told().length > 0);
  scene.put('c', 'Complete');
  const newer = scene.rollouts.follow('manifests', [job('c')], never);
  assert.equal(await older, false);
  scene.put('a', 'Complete');
  assert.equal(await newer, true);
  assert.deepEqual(told().toSorted(), ['a', 'b', 'c']);
});

test('a relapse tells what has failed once, until it was ready', async () => {
  await using scene = new Scene();
  const failures = () => scene.reports.filter(({ type }) => type === 'failed').length;
  scene.put('a', 'Failed');
  await scene.rollouts.relapsed(job('a'), never);
  await scene.rollouts.relapsed(job('a'), never);
  assert.equal(failures(), 1);
  scene.put('a', 'Complete');
  await scene.rollouts.relapsed(job('a'), never);
  scene.put('a', 'Failed');
  await scene.rollouts.relapsed(job('a'), never);
  assert.equal(failures(), 2);
});

test('a relapse tells what has failed otherwise, and so does whoever waits for it anew', async () => {
  await using scene = new Scene();
  const failures = () => scene.reports.flatMap((report) => (report.type === 'failed' ? [report.message] : []));
  scene.put('a', 'Failed');
  await scene.rollouts.relapsed(job('a'), never);
  scene.kube.setStatus(job('a'), { conditions: [{ type: 'Failed', status: 'True', message: 'DeadlineExceeded' }] });
  await scene.rollouts.relapsed(job('a'), never);
  assert.deepEqual(failures(), ['job/a failed: BackoffLimitExceeded', 'job/a failed: DeadlineExceeded']);
  assert.equal(await scene.rollouts.follow('web', [job('a')], never), false);
  assert.equal(failures().length, 3);
});
