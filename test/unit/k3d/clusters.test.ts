import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { CreateContainer } from '../../../src/engine/engine.ts';
import type { Report } from '../../../src/events.ts';
import { deleteCluster } from '../../../src/k3d/delete-cluster.ts';
import { findCluster, nodesOfServer } from '../../../src/k3d/nodes.ts';
import { startCluster } from '../../../src/k3d/start-cluster.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

let engine = new FakeEngine();
let reports: Report[] = [];
const options = { report: (one: Report) => reports.push(one), signal: new AbortController().signal };

async function add(
  name: string,
  role: string,
  more: Partial<CreateContainer> = {},
  cluster = 'storm',
): Promise<string> {
  const labels = { app: 'k3d', 'k3d.cluster': cluster, 'k3d.role': role, 'k3d.cluster.network': `k3d-${cluster}` };
  return await engine.createContainer({ name, image: 'k3s', labels, network: `k3d-${cluster}`, ...more });
}

const api = (host: number) => ({ ports: [{ container: 6443, host, address: '0.0.0.0' }] });
const names = async () => (await engine.containers({})).map(({ name }) => name);

beforeEach(() => {
  engine = new FakeEngine({ images: ['k3s', 'registry:2'] });
  engine.onStart = ({ labels }) => [
    labels['k3d.role'] === 'agent' ? 'Successfully registered node' : 'k3s is up and running',
  ];
  reports = [];
});

describe('the nodes of an API server', () => {
  test('are the running servers and agents of the cluster that publishes its port, behind a load balancer too', async () => {
    const ids = [
      await add('server', 'server'),
      await add('agent', 'agent'),
      await add('lb', 'loadbalancer', api(6550)),
    ];
    await add('stopped', 'agent');
    const other = await add('other', 'server', api(6551), 'other');
    for (const id of [...ids, other]) await engine.startContainer(id);
    const found = async (server: string) => (await nodesOfServer(engine, server)).map(({ name }) => name);
    assert.deepEqual(await found('https://0.0.0.0:6550'), ['server', 'agent']);
    assert.deepEqual(await found('https://localhost:6551'), ['other']);
    assert.deepEqual(await found('https://[::1]:6551'), ['other']);
    assert.deepEqual(await found('https://127.0.0.1:6552'), []);
    assert.deepEqual(await found('https://staging.example:6550'), []);
  });

  test('a node port of the same number is no API server', async () => {
    const ports = [{ container: 30080, host: 6550, address: '0.0.0.0' }];
    await engine.startContainer(await add('server', 'server', { ports }));
    assert.deepEqual(await nodesOfServer(engine, 'https://127.0.0.1:6550'), []);
  });
});

describe('starting a cluster', () => {
  test('starts what is stopped, servers before agents before the rest, and nothing else', async () => {
    await add('lb', 'loadbalancer');
    await add('agent', 'agent');
    await add('server', 'server');
    await add('registry', 'registry');
    await add('other', 'server', {}, 'other');
    assert.equal((await findCluster(engine, 'storm'))?.running, false);
    await startCluster(engine, 'storm', options);
    assert.equal((await findCluster(engine, 'storm'))?.running, true);
    assert.deepEqual(
      engine.calls.filter((call) => call.startsWith('startContainer')),
      ['registry', 'server', 'agent', 'lb'].map((name) => `startContainer ${name}`),
    );
  });

  test('one that does not exist is refused', async () => {
    assert.equal(await findCluster(engine, 'storm'), undefined);
    await assert.rejects(startCluster(engine, 'storm', options), {
      kind: 'usage',
      message: 'there is no cluster storm',
    });
  });
});

describe('deleting a cluster', () => {
  test('removes its containers, network and volume, and only sends away what is not its own', async () => {
    await engine.ensureNetwork('k3d-storm', {});
    await engine.ensureVolume('k3d-storm-images', {});
    for (const role of ['server', 'agent', 'loadbalancer', 'registry']) await add(role, role);
    await add('other', 'server', {}, 'other');
    const mine = await engine.createContainer({ name: 'mine', image: 'registry:2', labels: {}, network: 'bridge' });
    await engine.connectNetwork('k3d-storm', mine);
    assert.equal(await deleteCluster(engine, 'storm', options), true);
    assert.deepEqual(await names(), ['other', 'mine']);
    assert.deepEqual((await engine.containers({})).find(({ id }) => id === mine)?.networks, ['bridge']);
    assert.deepEqual([...engine.networks.keys(), ...engine.volumes.keys()], []);
  });

  test('a registry of its own that another cluster joined stays, and that is said', async () => {
    await add('server', 'server');
    await engine.connectNetwork('k3d-other', await add('registry', 'registry'));
    await deleteCluster(engine, 'storm', options);
    assert.deepEqual(await names(), ['registry']);
    assert.deepEqual(reports, [{ type: 'note', text: 'kept the registry registry: another cluster uses it' }]);
  });

  test('a network that k3d did not make stays', async () => {
    await engine.ensureNetwork('company', {});
    const labels = { app: 'k3d', 'k3d.cluster': 'storm', 'k3d.role': 'server' };
    const network = { 'k3d.cluster.network': 'company', 'k3d.cluster.network.external': 'true' };
    await engine.createContainer({
      name: 'server',
      image: 'k3s',
      labels: { ...labels, ...network },
      network: 'company',
    });
    await deleteCluster(engine, 'storm', options);
    assert.deepEqual([await names(), [...engine.networks.keys()]], [[], ['company']]);
  });

  test('one that does not exist is false, and nothing is touched', async () => {
    await add('other', 'server', {}, 'other');
    assert.equal(await deleteCluster(engine, 'storm', options), false);
    assert.deepEqual(await names(), ['other']);
  });
});
