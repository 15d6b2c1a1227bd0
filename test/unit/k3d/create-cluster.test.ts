import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import type { CreateContainer } from '../../../src/engine/engine.ts';
import { Failure, isAbort } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { type ClusterSpec, createCluster } from '../../../src/k3d/create-cluster.ts';
import { freePort } from '../../../src/k3d/host-port.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

const image = 'rancher/k3s:v1';
const host = await freePort();
const spec: ClusterSpec = {
  name: 'storm',
  image,
  agents: 2,
  ports: [{ host, node: 30080 }],
  registryPort: undefined,
  registriesFile: undefined,
  apiPort: 6599,
};

const kubeconfig = `
clusters: [{ name: default, cluster: { server: 'https://127.0.0.1:6443', certificate-authority-data: Q0E= } }]
users: [{ name: default, user: { client-certificate-data: Q0VSVA==, client-key-data: S0VZ } }]
`;

/** An engine whose nodes come up at once. */
function engineWithNodes(): FakeEngine {
  const engine = new FakeEngine({ images: [image] });
  engine.onStart = (container) => {
    void engine.writeFile(container.name, '/output/kubeconfig.yaml', Buffer.from(kubeconfig));
    return [
      'starting',
      container.command?.[0] === 'agent' ? 'Successfully registered node x' : 'k3s is up and running',
    ];
  };
  return engine;
}

describe('creating a cluster', () => {
  let engine = engineWithNodes();
  let created: CreateContainer[] = [];
  let reports: Report[] = [];
  const options = (signal = new AbortController().signal) => ({ report: (one: Report) => reports.push(one), signal });
  const warnings = () => reports.filter((one) => one.type === 'warning');
  const byName = (name: string) => created.find((one) => one.name === name);

  beforeEach(() => {
    engine = engineWithNodes();
    created = [];
    reports = [];
    const onStart = engine.onStart;
    engine.onStart = (container) => {
      created.push(container);
      return onStart(container);
    };
  });

  const assertNothingLeft = async () => {
    assert.deepEqual(await engine.containers({}), []);
    assert.deepEqual([...engine.networks.keys(), ...engine.volumes.keys()], []);
  };

  test('the nodes are named, labelled and published as k3d does', async () => {
    await createCluster(engine, spec, options());
    assert.deepEqual(
      created.map(({ name }) => name),
      ['k3d-storm-server-0', 'k3d-storm-agent-0', 'k3d-storm-agent-1'],
    );
    const server = byName('k3d-storm-server-0');
    assert.equal(server?.network, 'k3d-storm');
    assert.equal(server?.privileged, true);
    assert.deepEqual(server?.binds, ['k3d-storm-images:/k3d/images']);
    assert.deepEqual(server?.ports, [
      { container: 6443, host: 6599, address: '127.0.0.1' },
      { container: 30080, host, address: '0.0.0.0' },
    ]);
    const { app, 'k3d.cluster': cluster, 'k3d.role': role, 'k3d.cluster.token': token } = server?.labels ?? {};
    assert.deepEqual([app, cluster, role], ['k3d', 'storm', 'server']);
    assert.ok(server?.env?.includes(`K3S_TOKEN=${token}`));
    const agent = byName('k3d-storm-agent-1');
    assert.deepEqual(agent?.command, ['agent']);
    assert.deepEqual(agent?.env, [`K3S_TOKEN=${token}`, 'K3S_URL=https://k3d-storm-server-0:6443']);
    assert.equal(agent?.labels['k3d.role'], 'agent');
  });

  test('the kubeconfig entry leads to the published port under the names of k3d', async () => {
    const { kubeconfig: entry, server, registry } = await createCluster(engine, spec, options());
    assert.equal(server, 'https://127.0.0.1:6599');
    assert.deepEqual(entry, {
      name: 'k3d-storm',
      userName: 'admin@k3d-storm',
      cluster: { server, 'certificate-authority-data': 'Q0E=' },
      user: { 'client-certificate-data': 'Q0VSVA==', 'client-key-data': 'S0VZ' },
    });
    assert.equal(registry, undefined);
  });

  test('every step is told as it is done', async () => {
    await createCluster(engine, { ...spec, agents: 1 }, options());
    assert.deepEqual(
      reports.map((one) => (one.type === 'note' ? one.text.replace(/\d+\.\d s$/, 'TIME') : one)),
      [
        'network k3d-storm is there',
        'node k3d-storm-server-0 has started; waiting until it is up',
        'node k3d-storm-server-0 is up after TIME',
        'node k3d-storm-agent-0 has started; waiting until it is up',
        'node k3d-storm-agent-0 is up after TIME',
      ],
    );
  });

  test('two clusters have different tokens', async () => {
    await createCluster(engine, { ...spec, agents: 0 }, options());
    await createCluster(engine, { ...spec, agents: 0, name: 'other', ports: [], apiPort: undefined }, options());
    const tokens = created.map(({ labels }) => labels['k3d.cluster.token']);
    assert.equal(new Set(tokens).size, 2);
  });

  test('an image that is not there is pulled, and that is said', async () => {
    engine.images.clear();
    engine.pullable.add(image);
    await createCluster(engine, spec, options());
    assert.deepEqual(reports[0], { type: 'note', text: `pulling ${image}` });
  });

  test('a registries file is given to every node as it is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
    const registriesFile = join(folder, 'registries.yaml');
    await writeFile(registriesFile, 'mirrors: {} # mine\n');
    await createCluster(engine, { ...spec, registriesFile }, options());
    for (const { name } of created)
      assert.equal(
        (await engine.readFile(name, '/etc/rancher/k3s/registries.yaml')).toString(),
        'mirrors: {} # mine\n',
      );
    await rm(folder, { recursive: true });
  });

  test('a registries file that is not there is refused before anything is made', async () => {
    const failing = createCluster(engine, { ...spec, registriesFile: '/nowhere/registries.yaml' }, options());
    await assert.rejects(failing, { kind: 'usage', where: '/nowhere/registries.yaml' });
    assert.ok(!engine.calls.some((call) => /^(ensure|create)/.test(call)));
  });

  test('a cluster that is there, a port that a container has and a bad name are refused before anything is made', async () => {
    await createCluster(engine, spec, options());
    await assert.rejects(createCluster(engine, spec, options()), { kind: 'usage', message: /cluster storm already/ });
    await assert.rejects(createCluster(engine, { ...spec, name: 'other' }, options()), {
      kind: 'usage',
      message: `port ${host} is taken by the container k3d-storm-server-0`,
    });
    await assert.rejects(createCluster(engine, { ...spec, name: 'No_Name' }, options()), { kind: 'usage' });
    assert.ok(!engine.networks.has('k3d-other'));
  });

  test('a port that a program of this machine has is refused before anything is made', async () => {
    const server = createServer().listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const taken = { kind: 'usage', message: `port ${port} is taken by a program of this machine` };
    for (const asked of [{ ports: [{ host: port, node: 80 }] }, { registryPort: port }])
      await assert.rejects(createCluster(engine, { ...spec, ...asked }, options()), taken);
    server.close();
    assert.ok(!engine.calls.some((call) => /^(ensure|create)/.test(call)));
  });

  test('the same port for two things is refused', async () => {
    await assert.rejects(createCluster(engine, { ...spec, registryPort: host }, options()), {
      kind: 'usage',
      message: `port ${host} is asked for twice`,
    });
  });

  for (const [what, fail] of [
    ['a volume', () => engine.failNext('ensureVolume', new Failure('unreachable', 'broken'))],
    ['the server', () => engine.failNext('createContainer', new Failure('unreachable', 'broken'))],
    ['a start', () => engine.failNext('startContainer', new Failure('unreachable', 'broken'))],
    ['an agent', () => engine.failNext('startContainer', new Failure('unreachable', 'broken'), 'k3d-storm-agent-1')],
    ['the kubeconfig', () => engine.failNext('readFile', new Failure('unreachable', 'broken'))],
  ] as const)
    test(`a failure at ${what} takes back what was made`, async () => {
      fail();
      await assert.rejects(createCluster(engine, spec, options()), { message: 'broken' });
      await assertNothingLeft();
      assert.deepEqual(warnings(), []);
    });

  test('what was there before is not taken back', async () => {
    await engine.ensureNetwork('k3d-storm', {});
    engine.failNext('startContainer', new Failure('unreachable', 'broken'));
    await assert.rejects(createCluster(engine, spec, options()), { message: 'broken' });
    assert.deepEqual([...engine.networks.keys()], ['k3d-storm']);
    assert.deepEqual([...engine.volumes.keys()], []);
  });

  test('what was made is taken back in reverse order', async () => {
    engine.failNext('readFile', new Failure('unreachable', 'broken'));
    await assert.rejects(createCluster(engine, spec, options()));
    assert.deepEqual(
      engine.calls.filter((call) => call.startsWith('remove')),
      [
        'removeContainer k3d-storm-agent-1',
        'removeContainer k3d-storm-agent-0',
        'removeContainer k3d-storm-server-0',
        'removeVolume k3d-storm-images',
        'removeNetwork k3d-storm',
      ],
    );
  });

  test('what can not be taken back is a warning, and the rest goes', async () => {
    engine.failNext('startContainer', new Failure('unreachable', 'broken'));
    engine.failNext('removeVolume', new Failure('unreachable', 'volume in use'));
    await assert.rejects(createCluster(engine, spec, options()), { message: 'broken' });
    assert.deepEqual(
      warnings().map(({ next }) => next),
      ['docker volume rm k3d-storm-images'],
    );
    assert.deepEqual([...engine.networks.keys()], []);
  });

  test('an abort while a node starts takes back what was made', async () => {
    const controller = new AbortController();
    engine.onStart = () => {
      setImmediate(() => controller.abort());
      return ['starting'];
    };
    await assert.rejects(createCluster(engine, spec, options(controller.signal)), (error) => isAbort(error));
    await assertNothingLeft();
  });

  test('a node that stops by itself is told with its last words', async () => {
    engine.onStart = ({ name }) => {
      setImmediate(() => engine.end(name));
      return ['starting', 'level=fatal msg="no cgroup"'];
    };
    await assert.rejects(createCluster(engine, spec, options()), {
      kind: 'unreachable',
      message: 'the container k3d-storm-server-0 stopped before it was up',
      detail: 'starting\nlevel=fatal msg="no cgroup"',
    });
    await assertNothingLeft();
  });
});
