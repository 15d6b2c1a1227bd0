import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { after, before, test } from 'node:test';
import { applySetId } from '../../../src/deploy/apply-set.ts';
import { type Applied, createApplier } from '../../../src/deploy/applier.ts';
import { CompletedJobs } from '../../../src/deploy/completed-jobs.ts';
import { readIdentity } from '../../../src/deploy/identity.ts';
import { type Asked, nothingAsked } from '../../../src/deploy/protected.ts';
import { unstickUntilReady } from '../../../src/deploy/unstick-until-ready.ts';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import type { Kube, KubeRequest } from '../../../src/kube/kube.ts';
import { Patience } from '../../../src/kube/patience.ts';
import { PatientKube } from '../../../src/kube/patient-kube.ts';
import { own } from '../../../src/manifests/own.ts';
import { formatId } from '../../../src/objects.ts';
import type { KubeObject, ObjectId } from '../../../src/objects.ts';
import { kubectl, lab } from '../../support/lab.ts';

const namespace = 't-what-goes';
const ref = { name: 'what-goes', namespace };
const signal = AbortSignal.timeout(540_000);
setMaxListeners(0, signal);
const options = { skip: lab.skip };
let kube: Kube;

before(async () => {
  if (lab.skip) return;
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait']);
  kube = await connectCluster({ env: { ...process.env, KUBECONFIG: lab.kubeconfig }, context: lab.context });
});
after(async () => {
  if (lab.skip) return;
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
  await kube[Symbol.asyncDispose]();
});

async function apply(
  objects: readonly KubeObject[],
  prunes: Partial<Asked> = {},
  jobs?: CompletedJobs,
  through = kube,
): Promise<Applied> {
  const rendered = objects.map((object) => ({
    object: own(object, { project: ref.name, applySetId: applySetId(ref) }),
    where: 'the test',
  }));
  const applier = createApplier({
    kube: through,
    project: { name: ref.name, cluster: { context: undefined, namespace, create: undefined }, podTemplates: [] },
    identity: await readIdentity(kube),
    report: () => {},
    prunes: { ...nothingAsked, ...prunes },
    jobs,
  });
  return applier.apply({ objects: rendered, all: rendered, prune: 'all', signal });
}

async function untilReady(objects: readonly ObjectId[], reports: Report[] = []): Promise<void> {
  const report = (each: Report) => reports.push(each);
  assert.deepEqual(await unstickUntilReady({ kube, objects, signal, timeoutMs: 240_000, report }), { ready: true });
}

const kept: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' } };

test('a definition goes when it is asked for, and not while others have objects of its kind', options, async () => {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const definition: KubeObject = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'contracts.stormctl.test' },
    spec: {
      group: 'stormctl.test',
      scope: 'Namespaced',
      names: { kind: 'Contract', plural: 'contracts', singular: 'contract' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
  const one = (name: string) => ({ apiVersion: 'stormctl.test/v1', kind: 'Contract', metadata: { name } });
  await apply([kept, definition, one('ours')]);
  await kubectl(['create', '-n', 'default', '-f', '-'], JSON.stringify(one('theirs')));
  const first = await apply([kept], { crds: true });
  assert.deepEqual(first.pruned.map(formatId), ['contract/ours']);
  assert.match(first.kept[0]?.because ?? '', /contract\/theirs in default/);
  await kubectl(['delete', 'contracts.stormctl.test', 'theirs', '-n', 'default']);
  const second = await apply([kept], { crds: true });
  assert.deepEqual(second.pruned.map(formatId), ['customresourcedefinition/contracts.stormctl.test']);
});

/** Writes a line at each start into its claim. */
function database(image: string, more: Record<string, unknown> = {}): KubeObject {
  const main = {
    name: 'main',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', 'echo started >> /data/starts; sleep 1000'],
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  };
  const storage = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: {
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: {
        metadata: { labels: { app: 'db' } },
        spec: { terminationGracePeriodSeconds: 0, containers: [main] },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: storage }],
      ...more,
    },
  };
}

test(
  'a StatefulSet stuck on an image that is not there is unstuck by the right one, and its data stay',
  options,
  async () => {
    const uidOfClaim = () => kubectl(['get', 'pvc', 'data-db-0', '-n', namespace, '-o', 'jsonpath={.metadata.uid}']);
    await untilReady((await apply([kept, database('alpine')])).objects);
    const claim = await uidOfClaim();
    const { objects } = await apply([kept, database('localhost:5000/there-is-none:1')]);
    const abort = new AbortController();
    const saw = (report: Report) => report.type === 'deploy.waiting' && /there-is-none/.test(report.because);
    const report = (each: Report) => saw(each) && abort.abort();
    await assert.rejects(unstickUntilReady({ kube, objects, signal: abort.signal, timeoutMs: 240_000, report }));
    assert.ok(abort.signal.aborted);
    const reports: Report[] = [];
    await untilReady((await apply([kept, database('alpine')])).objects, reports);
    const notes = reports.flatMap((each) => (each.type === 'note' ? [each.text] : []));
    assert.match(notes.join(), /^statefulset\/db: pod db-0 of its older state .* is deleted; its claims stay$/);
    assert.equal(await uidOfClaim(), claim);
    const starts = await kubectl(['exec', '-n', namespace, 'db-0', '--', 'cat', '/data/starts']);
    assert.equal(starts, 'started\nstarted\n');
    const pruned = await apply([kept], { volumes: true });
    assert.deepEqual(pruned.pruned.map(formatId), ['statefulset/db', 'persistentvolumeclaim/data-db-0']);
  },
);

for (const whenDeleted of ['Retain', 'Delete'])
  test(
    `a template that is renamed gives pods their new claim, and keeps the old one: ${whenDeleted}`,
    options,
    async () => {
      const first = database('alpine', { persistentVolumeClaimRetentionPolicy: { whenDeleted } });
      await untilReady((await apply([kept, first])).objects);
      const renamed = JSON.parse(JSON.stringify(first).replaceAll('"name":"data"', '"name":"files"')) as KubeObject;
      const second = await apply([kept, renamed]);
      assert.deepEqual(second.replaced.map(formatId), ['statefulset/db']);
      assert.deepEqual(
        second.kept.map(({ id }) => formatId(id)),
        ['persistentvolumeclaim/data-db-0'],
      );
      await untilReady(second.objects);
      const third = await apply([kept, renamed], { volumes: true });
      assert.deepEqual(third.pruned.map(formatId), ['persistentvolumeclaim/data-db-0']);
      const pruned = await apply([kept], { volumes: true });
      // What has an owner is removed with it.
      const own = whenDeleted === 'Retain' ? ['persistentvolumeclaim/files-db-0'] : [];
      assert.deepEqual(pruned.pruned.map(formatId), ['statefulset/db', ...own]);
    },
  );

test('what was created by a write whose answer was lost is told as created', options, async () => {
  let isLost = false;
  const cutting = new Proxy(kube, {
    get: (target, key) => {
      if (key !== 'request') {
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async <T>(request: KubeRequest): Promise<T> => {
        const answer = await target.request<T>(request);
        if (isLost || !request.path.endsWith('/services/lost')) return answer;
        isLost = true;
        const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
        throw new Failure('unreachable', 'the cluster closed the connection', { cause });
      };
    },
  });
  const lost: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'lost' },
    spec: { selector: { app: 'lost' }, ports: [{ port: 80 }] },
  };
  // Longer than the second to which a server tells times.
  const patient = new PatientKube(cutting, new Patience({ pauseMs: 2500 }));
  await apply([kept]);
  const { created, changed } = await apply([kept, lost], {}, undefined, patient);
  assert.deepEqual([isLost, created.map(formatId), changed], [true, ['service/lost'], []]);
});

test('a Job that its time-to-live removed after it completed is not made again', options, async () => {
  const main = { name: 'main', image: 'alpine', imagePullPolicy: 'IfNotPresent', command: ['true'] };
  const migrate = (ttlSecondsAfterFinished: number): KubeObject => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'migrate' },
    spec: { ttlSecondsAfterFinished, template: { spec: { restartPolicy: 'Never', containers: [main] } } },
  });
  const run = async (object: KubeObject) => {
    await using jobs = new CompletedJobs({ kube, ref, report: () => {} });
    const { created, objects } = await apply([kept, object], {}, jobs);
    const result = await unstickUntilReady({ kube, jobs, objects, signal, timeoutMs: 240_000, report: () => {} });
    assert.deepEqual(result, { ready: true });
    return created.map(formatId);
  };
  assert.deepEqual(await run(migrate(1)), ['job/migrate']);
  await kubectl(['wait', '--for=delete', 'job/migrate', '-n', namespace, '--timeout=120s']);
  assert.deepEqual(await run(migrate(1)), []);
  assert.deepEqual(await run(migrate(2)), ['job/migrate']);
});
