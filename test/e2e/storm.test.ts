import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cli, runCli } from '../support/cli.ts';
import { kubectl, lab } from '../support/lab.ts';
import { ask, eventually, get, leftIn, listens, objectsIn, type SeenObject } from '../support/outside.ts';

const env = { KUBECONFIG: lab.kubeconfig };
const namespace = 'storm';
const gateway = 'http://localhost:30080';
const workloads = [
  'gateway',
  'user-service',
  'message-service',
  'media-service',
  'postgres-user',
  'postgres-message',
  'nats',
  'redis',
  'minio',
  'db-migrate',
];

/** examples/storm as it is, in a scratch copy: the stack that the project is for. */
describe('the storm stack', { skip: lab.skip }, () => {
  let folder = '';
  const edit = async (path: string, from: string, to: string) => {
    const text = await readFile(join(folder, path), 'utf8');
    assert.ok(text.includes(from), `${path} has ${from}`);
    await writeFile(join(folder, path), text.replace(from, to));
  };
  const dev = () => new Cli(['dev', '-o', 'json'], { cwd: folder, env });
  const run = (...args: string[]) => runCli(args, { cwd: folder, env });
  const ready = (cli: Cli) => cli.report('session.ready', () => true, { timeoutMs: 400_000 });
  const uids = async () =>
    new Map((await objectsIn(namespace, 'pods')).filter(isLive).map(({ metadata }) => [metadata.name, metadata.uid]));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'storm-'));
    await cp('examples/storm', folder, { recursive: true });
    await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s']);
  });
  after(async () => {
    await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s']);
    await rm(folder, { recursive: true, force: true });
  });

  test('dev serves the whole stack, and each save changes what it should and nothing else', async (context) => {
    await using session = dev();
    const { urls } = await ready(session);
    assert.ok(
      urls.some(({ url }) => url === gateway),
      'the NodePort of the gateway is in the summary',
    );

    // The nodes' proxies learn of a Service a moment after its pods are ready.
    await eventually(
      'the gateway',
      () => get(`${gateway}/health`),
      (body) => JSON.parse(body).status === 'ok',
    );
    await accepted('POST', '/messages', { text: 'written before' });
    await eventually(
      'the message from the database',
      () => get(`${gateway}/messages`),
      (body) => body.includes('written before'),
    );
    await checkUsers();
    await context.test('a file comes back from MinIO', async (media) => {
      const stored = await accepted('PUT', '/media/storm.txt', 'kept');
      if (stored.status === 501) return media.skip('a stand-in answers for MinIO here, and stores nothing');
      assert.equal((await ask('GET', `${gateway}/media/storm.txt`)).body, 'kept');
      return undefined;
    });
    await session.until('logs of all ten workloads', ({ reports }) => {
      const sources = new Set(reports.flatMap((report) => (report.type === 'log' ? [report.source] : [])));
      return workloads.every((workload) => sources.has(workload));
    });

    const before = await uids();
    await edit('services/user/src/users/greeting.ts', 'Hello from the storm', 'Hello synced');
    await eventually(
      'the synced greeting',
      () => get(`${gateway}/users/greeting`),
      (body) => body.includes('Hello synced'),
    );
    assert.deepEqual(await uids(), before, 'a synced file makes no new pod');

    await edit('services/user/package.json', '"version": "', '"version": "9');
    await session.report('loop.rebuilt', ({ service }) => service === 'user-service', { timeoutMs: 240_000 });
    await writeFile(join(folder, 'README.md'), '# edited\n');
    const changed = await eventually('the old pod gone', uids, (now) => now.size === before.size);
    const others = (pods: ReadonlyMap<string, string>) =>
      [...pods].filter(([name]) => !name.startsWith('user-service-'));
    assert.deepEqual(others(changed), others(before), 'no other service has a new pod');
    assert.notDeepEqual(changed, before);
    await eventually(
      'the greeting in the new image',
      () => get(`${gateway}/users/greeting`),
      (body) => body.includes('Hello synced'),
    );
    assert.deepEqual(
      session
        .reportsOf('build.started')
        .filter(({ because }) => because.includes('changed'))
        .map(({ service }) => service),
      ['user-service'],
      'README.md and services/user build no other service',
    );

    session.kill('SIGINT');
    assert.equal((await session.ended).code, 130, session.stderr);
    assert.deepEqual(await leftIn(namespace), [
      'configmap/stormctl-storm',
      'persistentvolumeclaim/data-postgres-message-0',
      'persistentvolumeclaim/data-postgres-user-0',
      'persistentvolumeclaim/minio-data',
    ]);
    for (const port of [13000, 15432, 15433, 18222, 19001])
      assert.equal(await listens(port), false, `${port} is closed`);
  });

  test('the next dev finds the data, shows a workload that crashes at start, and prunes it when it leaves', async () => {
    await using session = dev();
    await ready(session);
    // Ready is what the pods say. When every node sends a NodePort to them, Kubernetes tells nobody.
    await eventually(
      'the message of the first session',
      () => get(`${gateway}/messages`),
      (body) => body.includes('written before'),
    );

    const overlay = 'infra/k8s/overlays/dev/kustomization.yaml';
    await writeFile(join(folder, 'infra/k8s/overlays/dev/crasher.yaml'), crasher);
    await edit(overlay, 'resources: [../../base]', 'resources: [../../base, crasher.yaml]');
    await session.report('log', ({ source, line }) => source === 'crasher' && line === 'no settings, giving up');
    await session.report(
      'deploy.waiting',
      ({ object, because }) => object.name === 'crasher' && /exit code 3/.test(because),
    );
    await edit(overlay, ', crasher.yaml', '');
    await session.report('deploy.applied', ({ pruned }) => pruned.some(({ name }) => name === 'crasher'));
    assert.equal(JSON.parse(await get(`${gateway}/health`)).status, 'ok');

    session.kill('SIGTERM');
    assert.equal((await session.ended).code, 143, session.stderr);
  });

  test('run ends when all is ready, and a second run changes nothing', async () => {
    const first = await run('run');
    assert.equal(first.code, 0, first.text + first.stderr);
    const kinds = 'deployments,statefulsets,jobs,services,configmaps,secrets,persistentvolumeclaims,pods';
    const before = await objectsIn(namespace, kinds);
    const second = await run('run');
    assert.equal(second.code, 0, second.text + second.stderr);
    assert.deepEqual((await objectsIn(namespace, kinds)).map(ours), before.map(ours));
  });

  test('delete keeps the claims, and with --volumes --namespaces nothing stays', async () => {
    const first = await run('delete');
    assert.equal(first.code, 0, first.text + first.stderr);
    assert.equal((await leftIn(namespace)).filter((name) => name.startsWith('persistentvolumeclaim/')).length, 3);
    const second = await run('delete', '--volumes', '--namespaces');
    assert.equal(second.code, 0, second.text + second.stderr);
    assert.equal(await kubectl(['get', 'namespace', namespace, '--ignore-not-found']), '');
    const volumes = JSON.parse(await kubectl(['get', 'pv', '-o', 'json'])) as {
      items: { spec: { claimRef?: { namespace: string } } }[];
    };
    assert.deepEqual(
      volumes.items.filter(({ spec }) => spec.claimRef?.namespace === namespace),
      [],
    );
  });
});

/** Sends it until the gateway has a way to the service: the nodes' proxies learn of each Service at a moment of its own. */
function accepted(method: string, path: string, content: string | object) {
  const noWay = new Set([502, 503, 504]);
  return eventually(
    `an answer to ${method} ${path}`,
    () => ask(method, `${gateway}${path}`, content),
    ({ status }) => !noWay.has(status),
  );
}

async function checkUsers(): Promise<void> {
  const email = `ada-${process.pid}@example.com`;
  const { body } = await accepted('POST', '/users', { name: 'Ada', email });
  const { id } = JSON.parse(body) as { id: number };
  const first = await ask('GET', `${gateway}/users/${id}`);
  const second = await ask('GET', `${gateway}/users/${id}`);
  assert.deepEqual([first.headers['x-cache'], second.headers['x-cache']], ['miss', 'hit']);
  assert.equal(second.body, first.body);
}

function isLive({ status, metadata }: SeenObject): boolean {
  return status?.['phase'] !== 'Succeeded' && !('deletionTimestamp' in metadata);
}

/** What a run could change of an object: not what controllers write into its status. */
function ours({ kind, metadata }: SeenObject) {
  const { name, uid, generation, managedFields } = metadata;
  return {
    object: `${kind}/${name}`,
    uid,
    generation,
    ours: managedFields?.filter(({ manager }) => manager === 'stormctl'),
  };
}

const crasher = `apiVersion: apps/v1
kind: Deployment
metadata: { name: crasher, namespace: storm }
spec:
  selector: { matchLabels: { app: crasher } }
  template:
    metadata: { labels: { app: crasher } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: crasher
          image: alpine:latest
          imagePullPolicy: IfNotPresent
          command: [sh, -c, 'echo no settings, giving up; exit 3']
`;
