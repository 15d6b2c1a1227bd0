import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { type Diff, diffObjects } from '../../../src/deploy/diff.ts';
import { type Asked, nothingAsked } from '../../../src/deploy/protected.ts';
import { own } from '../../../src/manifests/own.ts';
import type { KubeRequest } from '../../../src/kube/kube.ts';
import type { KubeObject, ObjectChange, ObjectId } from '../../../src/objects.ts';
import { supervisorCommand } from '../../../src/manifests/supervisor.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { applyTo, claim, configMap, ref, statefulSet, workload } from './support.ts';

function diff(
  kube: FakeKube,
  objects: readonly KubeObject[],
  { uses = [], ...rest }: { uses?: readonly ObjectId[]; forceConflicts?: boolean; asked?: Asked } = {},
): Promise<Diff> {
  const rendered = objects.map((object, index) => ({
    object: own(object, { project: ref.name, applySetId: applySetId(ref) }),
    where: `m.yaml:${index + 1}:1`,
    uses,
  }));
  return diffObjects({ kube, ref, objects: rendered, ...rest, signal: new AbortController().signal });
}

const told = ({ changes }: Diff) => changes.map(({ kind, id }) => `${kind} ${id.kind} ${id.name}`);
const fieldsOf = (change: ObjectChange | undefined) => (change && 'fields' in change ? change.fields : []);
const secret = (stringData: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's' },
  stringData,
});

test('before the first apply everything is new, the namespace too, and nothing is written', async () => {
  const kube = new FakeKube();
  const before = kube.all();
  const found = await diff(kube, [configMap('a', { k: 'v' }), secret({ password: 'hunter22' })]);
  assert.deepEqual(told(found), ['new Namespace storm', 'new ConfigMap a', 'new Secret s']);
  assert.deepEqual(kube.all(), before);
  assert.ok(kube.requests.every(({ method, query }) => method === 'GET' || query?.['dryRun'] === 'All'));
  const [, config] = found.changes;
  assert.deepEqual(config?.kind === 'new' && config.object['data'], { k: 'v' });
  assert.doesNotMatch(JSON.stringify(found), /hunter22|aHVudGVyMjI/);
});

test('what was applied shows no change, and a field that differs shows alone', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Deployment', 'web', 'web:1'), configMap('a', { k: 'v', gone: 'x' })]);
  const versions = kube.all().map(({ metadata }) => metadata.resourceVersion);
  const same = await diff(kube, [workload('Deployment', 'web', 'web:1'), configMap('a', { k: 'v', gone: 'x' })]);
  assert.deepEqual(same, { changes: [], unchanged: 2, kept: [], refused: [], unseen: [] });
  const found = await diff(kube, [workload('Deployment', 'web', 'web:2'), configMap('a', { k: 'w' })]);
  assert.deepEqual(found.changes.map(fieldsOf), [
    [{ path: 'spec.template.spec.containers[main].image', before: 'web:1', after: 'web:2' }],
    [
      { path: 'data.k', before: 'v', after: 'w' },
      { path: 'data.gone', before: 'x', after: undefined },
    ],
  ]);
  assert.deepEqual(
    kube.all().map(({ metadata }) => metadata.resourceVersion),
    versions,
  );
});

test('of a Secret it is told which keys change, and of no value what it is', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [secret({ password: 'hunter22', old: 'oldvalue', same: 'samesame' })]);
  const found = await diff(kube, [secret({ password: 'hunter33', new: 'newvalue', same: 'samesame' })]);
  assert.deepEqual(fieldsOf(found.changes[0]), [
    { path: 'data.password', before: '***', after: '***' },
    { path: 'data.old', before: '***', after: undefined },
    { path: 'data.new', before: undefined, after: '***' },
  ]);
  const base64 = ['hunter22', 'hunter33', 'oldvalue', 'newvalue'].map((text) => Buffer.from(text).toString('base64'));
  for (const text of ['hunter', 'value"', ...base64]) assert.ok(!JSON.stringify(found).includes(text), text);
});

test('members that left the manifests are named, claims are kept', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a'), configMap('b'), claim('data', 'a')]);
  assert.deepEqual(told(await diff(kube, [configMap('a')])), ['pruned ConfigMap b']);
});

test('claims of templates that would leave a StatefulSet are told as kept, and with --volumes as pruned', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [statefulSet('db')]);
  kube.put(claim('data-db-0', 'db'));
  const bare = workload('StatefulSet', 'db', 'postgres', { serviceName: 'db' });
  const frozen = 'spec: Forbidden: updates to statefulset spec for fields other than replicas are forbidden';
  const isApply = ({ method }: KubeRequest) => method === 'PATCH';
  for (const [volumes, goes] of [
    [false, []],
    [true, ['pruned PersistentVolumeClaim data-db-0']],
  ] as const) {
    kube.failNext(isApply, refusal('PATCH', '/', 422, 'Invalid', frozen));
    const found = await diff(kube, [bare], { asked: { ...nothingAsked, volumes } });
    assert.deepEqual(told(found), ['replaced StatefulSet db', ...goes]);
    assert.equal(found.kept.length, volumes ? 0 : 1);
  }
});

test('an object that can’t be changed in place is told as replaced, with what differs of a new one', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [workload('Job', 'migrate', 'web:1')]);
  const immutable = refusal('PATCH', '/jobs/migrate', 422, 'Invalid', 'spec.template: field is immutable', {
    causes: [{ field: 'spec.template', message: 'field is immutable' }],
  });
  kube.failNext(({ method }) => method === 'PATCH', immutable);
  const found = await diff(kube, [workload('Job', 'migrate', 'web:2')]);
  assert.deepEqual(told(found), ['replaced Job migrate']);
  assert.deepEqual(fieldsOf(found.changes[0]), [
    { path: 'spec.template.spec.containers[main].image', before: 'web:1', after: 'web:2' },
  ]);
  assert.equal(kube.all('Job').length, 1);
});

test('of a StatefulSet that is replaced the field is named that can’t be changed', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [statefulSet('db')]);
  const message =
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'template' are forbidden";
  const cause = { field: 'spec', message: message.slice('spec: '.length) };
  kube.failNext(
    ({ method }) => method === 'PATCH',
    refusal('PATCH', '/', 422, 'Invalid', message, { causes: [cause] }),
  );
  const found = await diff(kube, [workload('StatefulSet', 'db', 'postgres:2', { serviceName: 'db2', replicas: 2 })]);
  const [change] = found.changes;
  assert.ok(change?.kind === 'replaced');
  assert.equal(change.because, 'spec.serviceName, spec.volumeClaimTemplates can be set only at creation');
});

test('the script of the supervisor that dev puts before a command is not shown', async () => {
  const kube = new FakeKube();
  const container = (more: object) => ({ spec: { containers: [{ name: 'main', image: 'web', ...more }] } });
  const interpreter = { kind: 'sh', path: '/bin/sh' } as const;
  const supervised = { command: supervisorCommand(interpreter), args: ['web'] };
  await applyTo(kube, [workload('Deployment', 'web', 'web', { template: container(supervised) })]);
  const found = await diff(kube, [workload('Deployment', 'web', 'web', { template: container({}) })]);
  const text = JSON.stringify(fieldsOf(found.changes[0]));
  assert.match(text, /the supervisor of `stormctl dev`/);
  assert.ok(text.length < 500, text);
});

test('of a Pod that is replaced nothing is told that every Pod is given anew', async () => {
  const kube = new FakeKube();
  const pod = (image: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'bare' },
    spec: { containers: [{ name: 'main', image }] },
  });
  await applyTo(kube, [pod('web:1')]);
  const live = kube.find('Pod', 'bare') ?? assert.fail();
  const token = 'kube-api-access-x7x2v';
  const mounts = { volumeMounts: [{ name: token, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] };
  const [main] = pod('web:1').spec.containers;
  const given = { nodeName: 'n1', volumes: [{ name: token }], containers: [{ ...main, ...mounts }] };
  kube.put({ ...live, spec: given });
  const immutable = refusal(
    'PATCH',
    '/pods/bare',
    422,
    'Invalid',
    'spec: Forbidden: pod updates may not change fields',
    {
      causes: [{ field: 'spec', message: 'Forbidden: pod updates may not change fields' }],
    },
  );
  kube.failNext(({ method }) => method === 'PATCH', immutable);
  const found = await diff(kube, [pod('web:2')]);
  assert.deepEqual(told(found), ['replaced Pod bare']);
  assert.deepEqual(fieldsOf(found.changes[0]), [
    { path: 'spec.containers[main].image', before: 'web:1', after: 'web:2' },
  ]);
});

test('a field that somebody else holds is told with its holder, one of another tool of manifests is not', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a', { k: 'v' })]);
  const live = kube.find('ConfigMap', 'a');
  assert.ok(live);
  kube.put({ ...live, data: { k: 'theirs' } }, 'operator');
  const found = await diff(kube, [configMap('a', { k: 'v' })]);
  const [change] = found.changes;
  assert.deepEqual(change?.kind === 'changed' && change.conflicts, [{ field: '.data.k', manager: 'operator' }]);
  assert.deepEqual(fieldsOf(change), [{ path: 'data.k', before: 'theirs', after: 'v' }]);
});

test('what the server refuses is a failure at its place, and the rest is told', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  kube.failNext(
    ({ path }) => path.endsWith('/a') && !path.includes('storm-'),
    refusal('PATCH', '/a', 404, 'NotFound', 'x'),
  );
  kube.failNext(
    ({ method, path }) => method === 'PATCH' && path.endsWith('/a'),
    refusal(
      'PATCH',
      '/a',
      403,
      'Forbidden',
      'exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1',
    ),
  );
  const found = await diff(kube, [configMap('a'), configMap('b')]);
  assert.deepEqual(told(found), ['new ConfigMap b']);
  assert.match(found.refused[0]?.message ?? '', /exceeds the quota q/);
  assert.equal(found.refused[0]?.where, 'm.yaml:1:1');
});

test('what is there and not the project’s is told with its holder, also where nothing of it changes', async () => {
  const kube = new FakeKube({ namespaces: ['storm'] });
  kube.put(configMap('a', { k: 'v' }, 'storm'), 'kubectl-create');
  const found = await diff(kube, [configMap('a', { k: 'v' })]);
  const [change] = found.changes;
  assert.ok(change?.kind === 'changed' && change.adopted);
  assert.deepEqual([change.fields, change.heldBy, found.unchanged], [[], ['kubectl-create'], 0]);
  await applyTo(kube, [configMap('a', { k: 'v' })]);
  assert.deepEqual((await diff(kube, [configMap('a', { k: 'v' })])).changes, []);
});

test('fields of an object of the project that another tool of manifests wrote are told as taken over', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a', { k: 'v' })]);
  const live = kube.find('ConfigMap', 'a');
  assert.ok(live);
  kube.put({ ...live, data: { k: 'theirs' } }, 'kubectl-client-side-apply');
  const { changes, refused } = await diff(kube, [configMap('a', { k: 'v' })]);
  const [change] = changes;
  assert.ok(change?.kind === 'changed');
  assert.deepEqual([change.adopted, change.heldBy, change.conflicts], [false, ['kubectl-client-side-apply'], []]);
  assert.deepEqual(refused, []);
});

test('a conflict is what keeps an apply from its end, unless fields are taken by force', async () => {
  const kube = new FakeKube();
  const objects = [workload('Deployment', 'web', 'alpine', { replicas: 1 })];
  await applyTo(kube, objects);
  // As the API server says it of `kubectl scale`.
  const scaled = refusal('PATCH', '/', 409, 'Conflict', 'Apply failed with 1 conflict', {
    causes: [
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl" with subresource "scale" using apps/v1',
        field: '.spec.replicas',
      },
    ],
  });
  const isUnforced = ({ method, query }: KubeRequest) => method === 'PATCH' && query?.['force'] === false;
  kube.failNext(isUnforced, scaled, 2);
  const found = await diff(kube, objects);
  const conflicts = [{ field: '.spec.replicas', manager: 'kubectl', subresource: 'scale' }];
  assert.deepEqual(found.changes[0]?.kind === 'changed' && found.changes[0].conflicts, conflicts);
  assert.deepEqual(
    found.refused.map(({ kind, message }) => [kind, message]),
    [['refused', 'deployment/web in storm: .spec.replicas is held by kubectl (scale)']],
  );
  assert.deepEqual((await diff(kube, objects, { forceConflicts: true })).refused, []);
});

test('a workload that is left as it is, since its ConfigMap is refused, is told so and not as changed', async () => {
  const kube = new FakeKube();
  await applyTo(kube, [configMap('a', { k: 'v' }), workload('Deployment', 'web', 'web:1')]);
  kube.failNext(
    ({ method, path }) => method === 'PATCH' && path.endsWith('/a'),
    refusal('PATCH', '/a', 422, 'Invalid', 'data is too large'),
  );
  const uses = [{ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'storm', name: 'a' }];
  const found = await diff(kube, [configMap('a', { k: 'w' }), workload('Deployment', 'web', 'web:2')], { uses });
  assert.deepEqual(told(found), []);
  assert.match(
    found.refused[1]?.message ?? '',
    /^deployment\/web in storm is left as it is: its configmap\/a is refused$/,
  );
});

test('an object that is on its way out is told as made again, with what holds it', async () => {
  const kube = new FakeKube();
  const held = { ...configMap('a', { k: 'v' }), metadata: { name: 'a', finalizers: ['example.com/hold'] } };
  await applyTo(kube, [held]);
  const live = kube.find('ConfigMap', 'a');
  assert.ok(live);
  await kube.request({ method: 'DELETE', path: kube.pathOf(live) });
  const [change] = (await diff(kube, [held])).changes;
  assert.ok(change?.kind === 'replaced');
  assert.equal(change.because, 'it is being deleted, and its finalizers have not run: example.com/hold');
});

test('of fields that one other tool wrote it is named once, and a workload is refused once', async () => {
  const kube = new FakeKube();
  const objects = [configMap('a', { k: 'v', l: 'v' }), workload('Deployment', 'web')];
  await applyTo(kube, objects);
  const config = kube.find('ConfigMap', 'a') ?? assert.fail();
  kube.put({ ...config, data: { k: 'theirs', l: 'theirs' } }, 'kubectl-client-side-apply');
  const [change] = (await diff(kube, [configMap('a', { k: 'v', l: 'v' })])).changes;
  assert.deepEqual(change?.kind === 'changed' && change.heldBy, ['kubectl-client-side-apply']);
  const web = kube.find('Deployment', 'web') ?? assert.fail();
  const spec = { ...(web['spec'] as object), template: {} };
  kube.put({ ...web, spec }, 'somebody');
  kube.put({ ...config, data: { k: 'other', l: 'other' } }, 'somebody');
  const uses = [{ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'storm', name: 'a' }];
  const { refused } = await diff(kube, [configMap('a', { k: 'v', l: 'v' }), workload('Deployment', 'web')], { uses });
  assert.equal(refused.length, 2);
});
