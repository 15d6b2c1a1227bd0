import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { CompletedJobs } from '../../../src/deploy/completed-jobs.ts';
import { diffObjects } from '../../../src/deploy/diff.ts';
import { waitReady } from '../../../src/deploy/wait-ready.ts';
import { never } from '../../../src/lib/abort.ts';
import { own } from '../../../src/manifests/own.ts';
import type { KubeObject } from '../../../src/objects.ts';
import { finishObject } from '../../../src/up/finish-object.ts';
import { runningImages } from '../../../src/up/running-images.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { applyTo, ref } from '../deploy/support.ts';
import { ProjectFolder, workload } from './support.ts';

const [v1, v2] = ['localhost:5000/storm/app:1', 'localhost:5000/storm/app:2'] as const;
const job = workload('Job', 'migrate', 'storm/app').replace('spec:', 'spec:\n  ttlSecondsAfterFinished: 5');

function migrateFolder(): ProjectFolder {
  const folder = new ProjectFolder();
  folder.service('app', 'storm/app');
  folder.manifest('migrate.yaml', job);
  return folder;
}

/** A cluster in which everything ran with an image, and the Job completed and was removed. */
async function expired(folder: ProjectFolder, image: string): Promise<FakeKube> {
  const kube = new FakeKube();
  const plan = await folder.plan();
  const objects = plan.objects.map(({ object }) =>
    finishObject(object, { plan, images: new Map([['storm/app', image]]) }),
  );
  await using jobs = new CompletedJobs({ kube, ref, report: () => {} });
  await applyTo(kube, objects, { jobs });
  const id = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'storm', name: 'migrate' };
  kube.setStatus(id, { conditions: [{ type: 'Complete', status: 'True' }] });
  await waitReady({ kube, jobs, objects: [id], signal: never, timeoutMs: undefined, report: () => {} });
  const left = kube.find('Job', 'migrate');
  assert.ok(left);
  kube.remove(left);
  return kube;
}

async function diffUnbuilt(kube: FakeKube, folder: ProjectFolder): Promise<readonly string[]> {
  const plan = await folder.plan();
  const images = await runningImages(kube, plan, ref, never);
  const finish = (object: KubeObject) =>
    own(finishObject(object, { plan, images }), { project: ref.name, applySetId: applySetId(ref) });
  const objects = plan.objects.map((planned) => ({ ...planned, object: finish(planned.object) }));
  const { changes } = await diffObjects({ kube, ref, objects, signal: never });
  return changes.map(({ kind, id }) => `${kind} ${id.name}`);
}

test('a Job that completed and is gone runs what it ran then: it is not told as new, unless it changes', async () => {
  using folder = migrateFolder();
  const kube = await expired(folder, v1);
  assert.deepEqual(await runningImages(kube, await folder.plan(), ref, never), new Map([['storm/app', v1]]));
  assert.deepEqual(await diffUnbuilt(kube, folder), []);
  folder.manifest('migrate.yaml', job.replace('spec:', 'spec:\n  backoffLimit: 0'));
  assert.deepEqual(await diffUnbuilt(kube, folder), ['new migrate']);
});

test('what runs counts before what a Job ran that is gone', async () => {
  using folder = migrateFolder();
  folder.manifest('a-web.yaml', workload('Deployment', 'web', 'storm/app'));
  const kube = await expired(folder, v1);
  const web = kube.find('Deployment', 'web');
  assert.ok(web);
  kube.put(JSON.parse(JSON.stringify(web).replaceAll(v1, v2)) as KubeObject);
  assert.deepEqual(await runningImages(kube, await folder.plan(), ref, never), new Map([['storm/app', v2]]));
});
