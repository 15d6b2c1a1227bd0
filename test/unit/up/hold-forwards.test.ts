import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import type { Endpoint, Report } from '../../../src/events.ts';
import { Scope } from '../../../src/lib/scope.ts';
import type { Project } from '../../../src/project.ts';
import { holdForwards } from '../../../src/up/hold-forwards.ts';
import { refusal } from '../../support/fake-kube.ts';
import { freePort } from '../../support/hello-project.ts';
import { PlayingKube } from '../dev/playing-kube.ts';
import { appliedWeb } from './support.ts';
import { until } from '../../support/until.ts';
import { hears } from '../../support/hears.ts';

const at = { file: 'stormctl.yaml', line: 7, column: 3 };

/** The project of `appliedWeb`, and Services beside it, in a cluster whose pods all echo. */
async function scene(scope: Scope) {
  const kube = new PlayingKube();
  const { folder } = await appliedWeb(kube);
  scope.own(folder, (each) => each[Symbol.dispose]());
  const server = scope.own(
    createServer((socket) => void socket.pipe(socket)),
    (each) => each.close(),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  kube.connect = async () => connect({ port, host: '127.0.0.1' });
  const put = (name: string, spec: Record<string, unknown>) =>
    kube.put({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'storm' }, spec });
  put('db', { selector: { app: 'db' }, ports: [{ name: 'sql', port: 5432 }] });
  put('elsewhere', { type: 'ExternalName', externalName: 'example.com' });
  return { kube, project: folder.project };
}

interface Asked {
  readonly project?: Project | undefined;
  readonly words?: readonly string[];
  readonly portOffset?: number;
}

/** @returns what it opened, while the scope lasts. */
async function open(scope: Scope, kube: PlayingKube, asked: Asked): Promise<readonly Endpoint[]> {
  return new Promise((resolve, reject) => {
    const report = (one: Report) => {
      if (one.type === 'forward.ready') resolve(one.urls);
    };
    const { project, words = [], portOffset = 0 } = asked;
    const run = async (signal: AbortSignal) =>
      holdForwards({ kube, project, namespace: 'storm', words, portOffset, report, signal });
    scope.run(run, reject);
  });
}

async function echoes({ url }: Endpoint): Promise<void> {
  const client = connect(Number(/\d+$/.exec(url)?.[0]), '127.0.0.1');
  client.end('x');
  await hears(client, 'x');
}

test('the forwards of the config open by what stands in the cluster, those of a service by its image', async () => {
  await using scope = new Scope();
  const { kube, project } = await scene(scope);
  const [fixed, own] = [await freePort(), await freePort()];
  const urls = await open(scope, kube, {
    project: {
      ...project,
      services: project.services.map((service) => ({ ...service, forward: [{ local: own, port: 3000, at }] })),
      forward: [{ target: { kind: 'Service', name: 'db' }, port: 'sql', local: fixed, address: '127.0.0.1', at }],
    },
  });
  assert.deepEqual(urls, [
    { name: 'service/db:sql', url: `localhost:${fixed}` },
    { name: 'deployment/web:3000', url: `http://localhost:${own}` },
  ]);
  for (const url of urls) await echoes(url);
});

test('a name is that of a Service, or of a workload where no Service has the port', async () => {
  await using scope = new Scope();
  const { kube, project } = await scene(scope);
  const local = await freePort();
  const words = ['db:auto:sql', 'web-service:auto:3000', 'db:auto:9187', `deploy/web:${local}:3000`];
  const urls = await open(scope, kube, { project, words });
  assert.deepEqual(
    urls.map(({ name }) => name),
    ['service/db:sql', 'deployment/web:3000', 'deployment/db:9187', 'deployment/web:3000'],
  );
  assert.equal(urls[3]?.url, `http://localhost:${local}`);
});

test('without a config words do, and a name alone means all its ports', async () => {
  await using scope = new Scope();
  const { kube } = await scene(scope);
  const urls = await open(scope, kube, { words: ['db'] });
  assert.deepEqual(
    urls.map(({ name }) => name),
    ['service/db:5432'],
  );
});

for (const [what, words, message] of [
  ['a name that nothing has', ['wbe:80'], /^there is nothing called wbe to forward to in storm$/],
  ['a kind that has not got the name', ['sts/web:80'], /^there is no statefulset\/web to forward to in storm$/],
  ['a Service without that port', ['svc/db:80'], /^service\/db has no port 80 \(it has 5432 \(sql\)\)$/],
  ['a Service without pods', ['elsewhere:80'], /only another name for example\.com/],
  ['a workload that names no port', ['deploy/web'], /^deployment\/web names no port$/],
  ['nothing at all', [], /^there is nothing to forward$/],
] as const)
  test(`${what} is a failure with the next step`, async () => {
    await using scope = new Scope();
    const { kube, project } = await scene(scope);
    await assert.rejects(
      open(scope, kube, { project, words }),
      (error) => error instanceof Failure && error.kind === 'usage' && message.test(error.message),
    );
  });

test('it ends when the cluster does not show its pods any more', async () => {
  await using scope = new Scope();
  const { kube } = await scene(scope);
  const local = await freePort();
  let open = () => {};
  const isOpen = new Promise<void>((resolve) => {
    open = resolve;
  });
  const done = holdForwards({
    kube,
    project: undefined,
    namespace: 'storm',
    words: [`svc/db:${local}:5432`],
    portOffset: 0,
    report: ({ type }) => type === 'forward.ready' && open(),
    signal: scope.signal,
  });
  await isOpen;
  await until(() => kube.watching > 0);
  kube.failWatches(refusal('GET', '/api/v1/namespaces/storm/pods', 403, 'Forbidden', 'pods is forbidden'));
  await assert.rejects(done, (error) => error instanceof Failure && error.kind === 'refused');
});

test('a port offset that leaves the range is a failure', async () => {
  await using scope = new Scope();
  const { kube } = await scene(scope);
  await assert.rejects(open(scope, kube, { words: ['svc/db:5432'], portOffset: 65_000 }), /no port|makes 70432/);
});
