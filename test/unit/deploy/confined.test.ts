import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApplier } from '../../../src/deploy/applier.ts';
import { applySetId, readApplySet } from '../../../src/deploy/apply-set.ts';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import { diffObjects } from '../../../src/deploy/diff.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { planDelete } from '../../../src/deploy/plan-delete.ts';
import { own } from '../../../src/manifests/own.ts';
import type { Report } from '../../../src/events.ts';
import { type KubeRequest } from '../../../src/kube/kube.ts';
import { formatId, type KubeObject } from '../../../src/objects.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, namespaceOf, projectOf, ref, statefulSet, workload } from './support.ts';

const { signal } = new AbortController();
const nothing = { volumes: false, namespaces: false, crds: false };
const role: KubeObject = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'r' } };

/** From here on the account has all rights in the namespaces, and none outside of them. */
function confine(kube: FakeKube): void {
  kube.forbid(({ path }) => /^\/apis?\/.*\/?(namespaces$|namespaces\/[^/]+$|clusterroles)/.test(path));
}

function warnings(reports: readonly Report[]): readonly string[] {
  return reports.flatMap((report) => (report.type === 'warning' ? [report.text] : []));
}

function diffOf(kube: FakeKube, objects: readonly KubeObject[]) {
  const render = (object: KubeObject, index: number) => ({
    object: own(object, { project: ref.name, applySetId: applySetId(ref) }),
    where: `m.yaml:${index + 1}:1`,
    uses: [],
  });
  return diffObjects({ kube, ref, objects: objects.map(render), signal });
}

const unseenRole = /the user ann may not list clusterroles in the whole cluster.*ClusterRole/;

test('a kind that may not be listed any more locks neither apply, diff nor delete', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [configMap('a'), role]);
  confine(kube);
  const reports: Report[] = [];
  const again = await applyTo(kube, [configMap('a'), role], { reports });
  assert.deepEqual(
    again.refused.map(({ id }) => formatId(id)),
    ['clusterrole/r'],
  );
  assert.equal(again.unchanged, 1);
  const told = warnings(reports);
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', unseenRole);
  assert.match(told[0] ?? '', /nothing of it is pruned/);

  const diff = await diffOf(kube, [configMap('a'), role]);
  assert.match(diff.refused[0]?.message ?? '', /clusterrole\/r is forbidden/);
  assert.equal(diff.unseen.length, 1);

  const without = await applyTo(kube, [configMap('b')]);
  assert.deepEqual(without.pruned.map(formatId), ['configmap/a']);
  assert.deepEqual([...((await readApplySet(kube, ref, signal))?.kinds ?? [])].toSorted(), [
    'ClusterRole.rbac.authorization.k8s.io',
    'ConfigMap',
  ]);

  const plan = await planDelete({ kube, ...ref, ...nothing, signal });
  assert.deepEqual(plan.goes.map(formatId), ['configmap/b']);
  assert.equal(plan.unseen.length, 1);
  const last: Report[] = [];
  const done = await deleteProject({ kube, ...ref, ...nothing, signal, report: (report) => last.push(report) });
  assert.deepEqual(done.deleted.map(formatId), ['configmap/b']);
  assert.match(warnings(last)[0] ?? '', unseenRole);
  const left = await readApplySet(kube, ref, signal);
  assert.deepEqual([...(left?.kinds ?? [])], ['ClusterRole.rbac.authorization.k8s.io'], 'somebody else can find it');
  assert.equal(left?.isDeleted, true);
});

test('workloads that can’t be seen keep a project from counting as deleted', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), workload('Deployment', 'web')]);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/deployments'));
  await deleteProject({ kube, ...ref, ...nothing, signal, report: () => {} });
  const left = await readApplySet(kube, ref, signal);
  assert.ok(left?.kinds.has('Deployment.apps'));
  assert.equal(left?.isDeleted, false);
});

for (const [what, path] of [
  ['claims can’t be listed', '/persistentvolumeclaims'],
  ['templates of claims can’t be read', '/statefulsets/pg'],
] as const)
  test(`a StatefulSet whose ${what} goes all the same, and that is said`, async () => {
    const confined = async () => {
      const kube = new FakeKube();
      await applyTo(kube, [configMap('a'), statefulSet('pg')]);
      kube.put(claim('data-pg-0', 'pg'));
      kube.forbid((request) => request.method === 'GET' && request.path.endsWith(path));
      return kube;
    };
    const kube = await confined();
    const survey = { kube, ...ref, ...nothing, volumes: true, signal };
    const unseen = /^the user ann may not .*PersistentVolumeClaim of the project is there can't be seen, so nothing/;
    assert.equal((await planDelete(survey)).unseen.length, 1);
    const reports: Report[] = [];
    const done = await deleteProject({ ...survey, report: (report) => reports.push(report) });
    assert.deepEqual(done.deleted.map(formatId).toSorted(), ['configmap/a', 'statefulset/pg']);
    assert.equal(done.unseen.length, 1);
    assert.match(warnings(reports)[0] ?? '', unseen);
    const kinds = (await readApplySet(kube, ref, signal))?.kinds;
    assert.deepEqual([...(kinds ?? [])], ['Namespace'], 'nobody would find a claim by the inventory');

    const other = await confined();
    assert.equal((await diffOf(other, [configMap('a')])).unseen.length, 1);
    const told: Report[] = [];
    const { pruned } = await applyTo(other, [configMap('a')], { reports: told });
    assert.deepEqual(pruned.map(formatId), ['statefulset/pg']);
    assert.match(warnings(told)[0] ?? '', unseen);
  });

for (const volumes of [false, true])
  test(`claims that may not be marked stay, ${volumes ? 'as what is left' : 'kept'}, and all else goes`, async () => {
    const confined = async () => {
      const kube = new FakeKube({ namespaces: ['storm'] });
      await applyTo(kube, [configMap('a'), statefulSet('pg')]);
      kube.put(claim('data-pg-0', 'pg'));
      kube.forbid(({ method, path }) => method === 'PATCH' && path.includes('/persistentvolumeclaims/'));
      return kube;
    };
    const right = 'the user ann may not patch persistentvolumeclaims in storm';
    const kube = await confined();
    const reports: Report[] = [];
    const report = (each: Report) => void reports.push(each);
    const done = await deleteProject({ kube, ...ref, ...nothing, volumes, signal, report });
    assert.deepEqual(done.deleted.map(formatId), ['statefulset/pg', 'configmap/a']);
    const { left, kept } = done;
    assert.deepEqual(
      [...(volumes ? left : kept)],
      [
        {
          id: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'storm', name: 'data-pg-0' },
          because: `it can't be marked as the project's: ${right}`,
        },
      ],
    );
    assert.equal(kept.length + left.length, 1);
    assert.equal(
      warnings(reports)[0],
      `${right}: claims of StatefulSets that go stay, and no inventory tells of them: persistentvolumeclaim/data-pg-0 in storm`,
    );
    assert.ok(kube.find('PersistentVolumeClaim', 'data-pg-0'));
    assert.equal(await readApplySet(kube, ref, signal), undefined, 'nothing of it would be found by an inventory');

    const other = await confined();
    const told: Report[] = [];
    const applied = await applyTo(other, [configMap('a')], { reports: told, prunes: { volumes } });
    assert.deepEqual([applied.pruned.map(formatId), applied.kept], [['statefulset/pg'], []]);
    assert.match(warnings(told)[0] ?? '', /no inventory tells of them: persistentvolumeclaim\/data-pg-0/);
    assert.deepEqual([...((await readApplySet(other, ref, signal))?.kinds ?? [])], ['ConfigMap']);
  });

test('objects that may be read though not listed are compared with what they were', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [namespaceOf('storm'), configMap('a')]);
  kube.forbid(({ method, path }) => method === 'GET' && path === '/api/v1/namespaces');
  const { unchanged, changed } = await applyTo(kube, [namespaceOf('storm'), configMap('a')]);
  assert.deepEqual([unchanged, changed], [2, []]);
});

test('what is told of a kind that can’t be seen is told once by a session', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [role]);
  confine(kube);
  const reports: Report[] = [];
  const applier = createApplier({
    kube,
    project: projectOf(),
    identity: await readIdentity(kube),
    report: (report) => reports.push(report),
  });
  const request = { objects: [], all: [], prune: 'all', signal } as const;
  await applier.apply(request);
  await applier.apply(request);
  assert.equal(warnings(reports).length, 1);
});

test('a namespace that the account may not read is not taken for the project’s', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a')]);
  confine(kube);
  const done = await deleteProject({ kube, ...ref, ...nothing, namespaces: true, signal, report: () => {} });
  assert.deepEqual(done.deleted.map(formatId), ['configmap/a']);
  assert.ok(kube.find('Namespace', 'storm'));
  assert.equal(await readApplySet(kube, ref, signal), undefined);
});

test('a namespace stays when the account may not see all that it holds', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [namespaceOf('extra'), configMap('a')]);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/cronjobs'));
  const because = /^what else it holds can't be seen: the user ann may not list cronjobs in (extra|storm)$/;
  const { kept } = await applyTo(kube, [configMap('a')], { prunes: { namespaces: true } });
  assert.match(kept[0]?.because ?? '', because);
  const done = await deleteProject({ kube, ...ref, ...nothing, namespaces: true, signal, report: () => {} });
  assert.deepEqual(done.deleted.map(formatId), ['configmap/a']);
  assert.equal(done.kept.length, 2);
  for (const { because: said } of done.kept) assert.match(said, because);
  const left = await readApplySet(kube, ref, signal);
  assert.deepEqual([...(left?.kinds ?? [])], ['Namespace'], 'the inventory tells what is left');
});

test('what was refused leaves neither its kind nor its namespace in the inventory', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  confine(kube);
  const { refused } = await applyTo(kube, [configMap('a'), role, workload('Job', 'j'), configMap('b', {}, 'absent')]);
  assert.deepEqual(refused.map(({ id }) => formatId(id)).toSorted(), ['clusterrole/r', 'configmap/b']);
  const set = await readApplySet(kube, ref, signal);
  assert.deepEqual([...(set?.kinds ?? [])].toSorted(), ['ConfigMap', 'Job.batch']);
  assert.deepEqual([...(set?.namespaces ?? [])], []);
});

test('what may have been written none the less stays in the inventory', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const late = refusal(
    'PATCH',
    '',
    504,
    'Timeout',
    'the server was not able to return a response in the time allotted',
  );
  kube.failNext(({ method, path }) => method === 'PATCH' && path.includes('/jobs/'), late, 100);
  const { refused } = await applyTo(kube, [configMap('a'), workload('Job', 'j')]);
  assert.equal(refused.length, 1);
  assert.ok((await readApplySet(kube, ref, signal))?.kinds.has('Job.batch'));
});

test('what was taken over before it was refused stays in the inventory', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  const theirs = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'storm' }, data: { a: 'YQ==' } };
  kube.put(theirs, 'kubectl-client-side-apply');
  let writes = 0;
  const isSecond = ({ method, path, contentType }: KubeRequest) =>
    method === 'PATCH' && path.endsWith('/secrets/s') && contentType === 'application/apply-patch+yaml' && ++writes > 1;
  kube.failNext(isSecond, refusal('PATCH', '/x', 422, 'Invalid', 'data.b: is too long'), 99);
  const { refused } = await applyTo(kube, [{ ...theirs, metadata: { name: 's' }, data: { b: 'Yg==' } }]);
  assert.equal(refused.length, 1);
  assert.ok((await readApplySet(kube, ref, signal))?.kinds.has('Secret'));
});

test('what is held back, since what it uses is refused, leaves its kind in no inventory', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  kube.forbid(({ method, path }) => method === 'PATCH' && path.includes('/secrets/'));
  const render = (object: KubeObject) => ({
    object: own(object, { project: ref.name, applySetId: applySetId(ref) }),
    where: 'm.yaml:1:1',
  });
  const uses = [{ apiVersion: 'v1', kind: 'Secret', namespace: 'storm', name: 's' }];
  const objects = [
    render({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }),
    render(configMap('a')),
    { ...render(workload('Deployment', 'web')), uses },
  ];
  const identity = await readIdentity(kube);
  const applier = createApplier({ kube, project: projectOf(), identity, report: () => {} });
  const { refused } = await applier.apply({ objects, all: objects, prune: 'all', signal });
  assert.deepEqual(refused.map(({ id }) => formatId(id)).toSorted(), ['deployment/web', 'secret/s']);
  assert.deepEqual([...((await readApplySet(kube, ref, signal))?.kinds ?? [])], ['ConfigMap']);
});

test('an object of the project that may not be listed is not told as taken over, nor as held by another project', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  await applyTo(kube, [role]);
  kube.forbid(({ method, path }) => method === 'GET' && path.endsWith('/clusterroles'));
  assert.deepEqual((await diffOf(kube, [role])).changes, []);
  kube.forbid(({ method, path }) => method === 'GET' && path.includes('/clusterroles'));
  assert.deepEqual((await applyTo(kube, [role])).refused, []);
});
