import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { createApplier } from '../../../src/deploy/applier.ts';
import type { Applied } from '../../../src/deploy/applier.ts';
import { deleteProject } from '../../../src/deploy/delete-project.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { waitReady } from '../../../src/deploy/wait-ready.ts';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import type { Kube } from '../../../src/kube/kube.ts';
import { own } from '../../../src/manifests/own.ts';
import { formatId } from '../../../src/objects.ts';
import type { KubeObject, ObjectId } from '../../../src/objects.ts';
import { kubectl, lab } from '../../support/lab.ts';
import { eventually } from '../../support/outside.ts';

const namespace = 't-deploy';
const ref = { name: 'contract', namespace };
const signal = AbortSignal.timeout(540_000);
const image = 'alpine';
const options = { skip: lab.skip };
let kube: Kube;

before(async () => {
  if (lab.skip) return;
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait']);
  kube = await connectCluster({ env: { ...process.env, KUBECONFIG: lab.kubeconfig }, context: lab.context });
});
after(async () => {
  if (lab.skip) return;
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait']);
  await kube[Symbol.asyncDispose]();
});

function workload(kind: 'Deployment' | 'StatefulSet', name: string, command: readonly string[], more = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: 'main',
              image,
              imagePullPolicy: 'IfNotPresent',
              command,
              env: [{ name: 'EMPTY', value: '' }],
              resources: { limits: { cpu: '1000m', memory: '64Mi' }, requests: { cpu: '0.01' } },
            },
          ],
        },
      },
      ...more,
    },
  };
}

const web = workload('Deployment', 'web', ['sleep', '1000']);
const database = workload('StatefulSet', 'db', ['sleep', '1000'], {
  serviceName: 'db',
  volumeClaimTemplates: [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
    },
  ],
});
const rest: readonly KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { a: 'b', c: 'd' } },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config' }, data: { a: 'b' } },
];

async function apply(objects: readonly KubeObject[], stop: AbortSignal = signal): Promise<Applied> {
  const rendered = objects.map((object) => ({
    object: own(object, { project: ref.name, applySetId: applySetId(ref) }),
    where: `${formatId({ kind: object.kind, name: object.metadata.name })} of the test`,
  }));
  const project = { name: ref.name, cluster: { context: undefined, namespace, create: undefined }, podTemplates: [] };
  const applier = createApplier({ kube, project, identity: await readIdentity(kube), report: () => {} });
  return applier.apply({ objects: rendered, all: rendered, prune: 'all', signal: stop });
}

function waitFor(objects: readonly ObjectId[], timeoutMs: number) {
  return waitReady({ kube, objects, signal, timeoutMs, report: () => {} });
}

function remove(more: { readonly volumes?: boolean; readonly namespaces?: boolean } = {}) {
  return deleteProject({
    kube,
    ...ref,
    volumes: false,
    namespaces: false,
    crds: false,
    signal,
    report: () => {},
    ...more,
  });
}

/** `kind/name generation resourceVersion` of everything that the project applied. */
async function versions(): Promise<readonly string[]> {
  const list = await kubectl([
    'get',
    'deployments,statefulsets,services,secrets,configmaps',
    `--namespace=${namespace}`,
    '--selector=stormctl.dev/project',
    '--output=jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.generation} {.metadata.resourceVersion}{"\\n"}{end}',
  ]);
  return list.trim().split('\n').toSorted();
}

test('a stack becomes ready, and the same again changes no generation and no resourceVersion', options, async () => {
  const first = await apply([web, database, ...rest]);
  assert.deepEqual(first.refused, []);
  assert.equal(first.created.length, 5);
  assert.deepEqual(await waitFor(first.objects, 240_000), { ready: true });
  const before = await versions();
  assert.equal(before.length, 6);
  const second = await apply([web, database, ...rest]);
  assert.equal(second.unchanged, 5);
  assert.deepEqual(await versions(), before);
});

test('a value that is left out of a Secret’s stringData goes', options, async () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { a: 'b' } };
  const applied = await apply([web, database, ...rest.filter(({ kind }) => kind !== 'Secret'), secret]);
  assert.deepEqual(applied.changed.map(formatId), ['secret/secret']);
  assert.equal(await kubectl(['get', 'secret', 'secret', '-n', namespace, '-o', 'jsonpath={.data}']), '{"a":"Yg=="}');
});

test('a StatefulSet that can not be changed in place is replaced around its pod and its claim', options, async () => {
  const uids = () =>
    kubectl(['get', 'pod/db-0', 'pvc/data-db-0', '-n', namespace, '-o', 'jsonpath={.items[*].metadata.uid}']);
  const before = await uids();
  const serviceName = { ...database, spec: { ...(database['spec'] as object), serviceName: 'other' } };
  const applied = await apply([web, serviceName, ...rest]);
  assert.deepEqual(applied.refused, []);
  assert.deepEqual(
    applied.changed.map(formatId).filter((id) => id === 'statefulset/db'),
    ['statefulset/db'],
  );
  assert.equal(await uids(), before);
});

test(
  'what the API server refuses names the field, the others are written, and nothing is pruned',
  options,
  async () => {
    const bad = { ...web, metadata: { name: 'bad' }, spec: { ...(web['spec'] as object), replica: 2 } };
    const other = { matchLabels: { app: 'other' } };
    const template = { metadata: { labels: { app: 'other' } }, spec: { containers: [{ name: 'main', image }] } };
    const selector = { ...database, spec: { ...(database['spec'] as object), selector: other, template } };
    const unknown = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'x' } };
    const applied = await apply([bad, selector, unknown, { ...web, metadata: { name: 'web' } }]);
    const failures = new Map(applied.refused.map(({ id, failure }) => [formatId(id), failure]));
    assert.match(failures.get('deployment/bad')?.message ?? '', /spec\.replica: field not declared in schema/);
    assert.match(failures.get('statefulset/db')?.next ?? '', /delete statefulset db -n t-deploy --cascade=orphan/);
    assert.match(failures.get('thing/x')?.message ?? '', /no kind Thing/);
    assert.deepEqual(applied.objects.map(formatId), ['deployment/web']);
    assert.deepEqual(applied.pruned, []);
  },
);

test('members that are gone from the manifests are pruned, and their claims stay', options, async () => {
  const applied = await apply([web, ...rest]);
  assert.deepEqual(applied.pruned.map(formatId), ['statefulset/db']);
  assert.deepEqual(
    applied.kept.map(({ id }) => formatId(id)),
    ['persistentvolumeclaim/data-db-0'],
  );
});

test(
  'why it is not ready: an image by its reference, a crash by its exit code and its last lines',
  options,
  async () => {
    const missing = structuredClone(web) as { metadata: { name: string } } & KubeObject;
    const text = JSON.stringify({ ...missing, metadata: { name: 'missing' } }).replaceAll(
      '"alpine"',
      '"localhost:5000/no/such:1"',
    );
    // On a busy node its first run lasts long enough to be seen, and without this the cluster calls it available then.
    const slowly = { minReadySeconds: 60 };
    const crash = workload('Deployment', 'crash', ['sh', '-c', 'echo these are the last words; exit 3'], slowly);
    const applied = await apply([JSON.parse(text) as KubeObject, crash, ...rest]);
    // A busy node takes its time to fail.
    await eventually(
      'both reasons',
      async () => {
        const result = await waitFor(applied.objects, 3000);
        return (name: string) => (result.ready ? undefined : result.notReady.find(({ id }) => id.name === name));
      },
      (reasonOf) =>
        /image localhost:5000\/no\/such:1 of container main of pod missing-\S+ can't be pulled/.test(
          reasonOf('missing')?.because ?? '',
        ) &&
        /crash.*exit code 3/.test(reasonOf('crash')?.because ?? '') &&
        /these are the last words/.test(reasonOf('crash')?.detail ?? ''),
      120_000,
    );
  },
);

test('an apply that is killed after its inventory is found by delete', options, async () => {
  const cutting: Kube = {
    target: kube.target,
    resource: (...args) => kube.resource(...args),
    request: async (request) => {
      if (request.method === 'PATCH' && !request.path.endsWith('/stormctl-cut')) throw new Error('killed');
      return kube.request(request);
    },
    watch: (...args) => kube.watch(...args),
    logs: (...args) => kube.logs(...args),
    exec: (...args) => kube.exec(...args),
    connect: (...args) => kube.connect(...args),
    [Symbol.asyncDispose]: async () => {},
  };
  const cut = { name: 'cut', namespace };
  const object = own(workload('Deployment', 'half', ['sleep', '1000']), {
    project: 'cut',
    applySetId: applySetId(cut),
  });
  const project = { name: 'cut', cluster: { context: undefined, namespace, create: undefined }, podTemplates: [] };
  const identity = await readIdentity(kube);
  const applier = createApplier({ kube: cutting, project, identity, report: () => {} });
  const rendered = [{ object, where: 'test' }];
  await assert.rejects(applier.apply({ objects: rendered, all: rendered, prune: 'all', signal }), /killed/);
  // As if the write had arrived and its answer had not.
  await kubectl(['apply', '--server-side', '-n', namespace, '-f', '-'], JSON.stringify(object));
  const { deleted } = await deleteProject({
    kube,
    ...cut,
    volumes: false,
    namespaces: false,
    crds: false,
    signal,
    report: () => {},
  });
  assert.deepEqual(deleted.map(formatId), ['deployment/half']);
});

test(
  'delete leaves the claim and the inventory, again finds nothing, and with volumes and namespaces leaves nothing',
  options,
  async () => {
    await apply([web, database, ...rest]);
    const first = await remove();
    assert.equal(first.deleted.length, 5);
    assert.deepEqual(first.left, []);
    assert.deepEqual(
      first.kept.map(({ id }) => formatId(id)),
      ['persistentvolumeclaim/data-db-0', 'namespace/t-deploy'],
    );
    assert.equal(await kubectl(['get', 'pods', '-n', namespace, '-o', 'name']), '');
    assert.deepEqual((await remove()).deleted, []);
    const last = await remove({ volumes: true, namespaces: true });
    assert.deepEqual(last.kept, []);
    assert.equal(await kubectl(['get', 'namespace', namespace, '--ignore-not-found', '-o', 'name']), '');
  },
);
