import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import { planDelete } from '../../../src/deploy/plan-delete.ts';
import type { Report } from '../../../src/events.ts';
import { formatId, type KubeObject } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, ref, statefulSet, workload } from './support.ts';

const { signal } = new AbortController();
const all = [configMap('a'), statefulSet('pg'), workload('Deployment', 'web')];

async function standing(namespaces: readonly string[] = []): Promise<FakeKube> {
  const kube = new FakeKube({ namespaces });
  await applyTo(kube, all);
  kube.put(claim('data-pg-0', 'pg'));
  return kube;
}

for (const [volumes, namespaces] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const)
  test(`what would go is what goes (volumes: ${volumes}, namespaces: ${namespaces}), and nothing is written`, async () => {
    const kube = await standing();
    const before = kube.requests.length;
    const survey = { kube, ...ref, volumes, namespaces, crds: false, signal };
    const plan = await planDelete(survey);
    assert.deepEqual([...new Set(kube.requests.slice(before).map(({ method }) => method))], ['GET']);
    const done = await deleteProject({ ...survey, report: () => {} });
    assert.deepEqual(plan.goes.map(formatId).toSorted(), done.deleted.map(formatId).toSorted());
    assert.deepEqual(plan.kept, done.kept);
    assert.deepEqual((await planDelete(survey)).goes, []);
  });

test('a project that is not there has nothing to delete', async () => {
  const kube = new FakeKube();
  assert.deepEqual(await planDelete({ kube, ...ref, volumes: true, namespaces: true, crds: false, signal }), {
    goes: [],
    kept: [],
    unseen: [],
  });
});

/** As kubectl does it, while something in it does not go. */
function terminate(kube: FakeKube): KubeObject {
  const namespace = kube.find('Namespace', 'storm');
  assert.ok(namespace);
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const message = 'Some content in the namespace has finalizers remaining: x/y in 1 resource instances';
  const conditions = [{ type: 'NamespaceFinalizersRemaining', status: 'True', message }];
  return kube.put({
    ...namespace,
    metadata: { ...namespace.metadata, deletionTimestamp, finalizers: ['kubernetes'] },
    status: { conditions },
  });
}

test('a namespace that somebody else deletes is waited for, and what holds it is told', async () => {
  const kube = await standing();
  const namespace = terminate(kube);
  const reports: Report[] = [];
  const deleting = deleteProject({
    kube,
    ...ref,
    volumes: true,
    namespaces: false,
    crds: false,
    signal,
    lastingMs: 1,
    report: (report) => reports.push(report),
  });
  const waiting = () => reports.find((each) => each.type === 'deploy.waiting');
  while (!waiting()) await new Promise(setImmediate);
  const told = waiting();
  assert.ok(told?.type === 'deploy.waiting');
  assert.equal(formatId(told.object), 'namespace/storm');
  assert.match(told.because, /x\/y in 1 resource instances/);
  kube.remove(namespace);
  const { deleted, kept, left } = await deleting;
  assert.equal(deleted.map(formatId).at(-1), 'namespace/storm');
  assert.deepEqual([kept, left], [[], []]);
  assert.deepEqual(
    kube.requests.filter(({ method, path }) => method === 'DELETE' && path === '/api/v1/namespaces/storm'),
    [],
  );
});

test('an inventory that went with its namespace in the middle is no failure', async () => {
  const kube = await standing(['storm']);
  const gone = refusal('PATCH', '/x', 403, 'Forbidden', 'unable to create new content in namespace storm', {
    causes: [{ reason: 'NamespaceTerminating', message: 'namespace storm is being terminated' }],
  });
  const written = kube.requests.length;
  kube.failNext(
    ({ method, path }) => method === 'PATCH' && path.endsWith('/stormctl-storm') && deletes(kube, written) > 0,
    gone,
  );
  const { deleted } = await deleteProject({
    kube,
    ...ref,
    volumes: false,
    namespaces: false,
    crds: false,
    signal,
    report: () => {},
  });
  assert.equal(deleted.length, 3);
});

function deletes(kube: FakeKube, from: number): number {
  return kube.requests.slice(from).filter(({ method }) => method === 'DELETE').length;
}

test('what is being deleted already is waited for, and not deleted again', async () => {
  const kube = await standing();
  const web = kube.find('Deployment', 'web');
  assert.ok(web);
  kube.put({ ...web, metadata: { ...web.metadata, finalizers: ['x/y'], deletionTimestamp: '2026-01-01T00:00:00Z' } });
  const deleting = deleteProject({
    kube,
    ...ref,
    volumes: false,
    namespaces: false,
    crds: false,
    signal,
    report: () => {},
  });
  while (kube.watching === 0) await new Promise(setImmediate);
  assert.deepEqual(
    kube.requests.filter(({ method, path }) => method === 'DELETE' && path.endsWith('/web')),
    [],
  );
  const live = kube.find('Deployment', 'web');
  assert.ok(live);
  kube.remove(live);
  assert.ok((await deleting).deleted.map(formatId).includes('deployment/web'));
});
