import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { namesOf } from '../../../src/k3d/names.ts';
import { registriesYaml } from '../../../src/k3d/registries-yaml.ts';
import { hostingOf, joinRegistry } from '../../../src/k3d/registry.ts';
import { RollBack } from '../../../src/k3d/roll-back.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

const options = { report: () => {}, signal: new AbortController().signal };
const cluster = { name: 'storm', names: namesOf('storm') };

describe('the registry of a cluster', () => {
  let engine = new FakeEngine();
  let rollBack = new RollBack();
  let server: Server | undefined;
  let port = 0;
  let status = 200;

  before(async () => {
    const answering = createServer((_, response) => response.writeHead(status).end());
    server = answering;
    await new Promise<void>((resolve) => answering.listen(0, '127.0.0.1', resolve));
    const address = answering.address();
    port = typeof address === 'object' && address ? address.port : 0;
  });
  after(() => server?.close());
  beforeEach(() => {
    engine = new FakeEngine({ images: ['registry:2', 'web:1'] });
    rollBack = new RollBack();
    status = 200;
  });

  async function runThere(name: string): Promise<void> {
    const ports = [{ container: 5001, host: port, address: '127.0.0.1' }];
    const id = await engine.createContainer({ name, image: 'web:1', labels: {}, network: 'bridge', ports });
    await engine.startContainer(id);
  }
  const networksOf = async (name: string) => (await engine.containers({})).find((one) => one.name === name)?.networks;

  test('one that answers on the port is joined to the network, and only leaves it when all is taken back', async () => {
    await runThere('mine');
    const registry = await joinRegistry(engine, cluster, port, rollBack, options);
    assert.deepEqual(registry, { container: 'mine', host: `localhost:${port}`, hostFromNodes: 'mine:5001' });
    assert.deepEqual(await networksOf('mine'), ['bridge', 'k3d-storm']);
    await rollBack.run(() => {});
    assert.deepEqual(await networksOf('mine'), ['bridge']);
  });

  test('one that wants a login is a registry too', async () => {
    await runThere('mine');
    status = 401;
    assert.equal((await joinRegistry(engine, cluster, port, rollBack, options)).container, 'mine');
  });

  test('a container that is no registry is refused', async () => {
    await runThere('a-website');
    status = 404;
    await assert.rejects(joinRegistry(engine, cluster, port, rollBack, options), {
      kind: 'usage',
      message: `port ${port} is taken by the container a-website, which is no registry`,
    });
  });

  test("none is started as the cluster's own, and goes when all is taken back", async () => {
    const registry = await joinRegistry(engine, cluster, port, rollBack, options);
    assert.equal(registry.hostFromNodes, 'k3d-storm-registry:5000');
    const [container] = await engine.containers({ 'k3d.cluster': 'storm', 'k3d.role': 'registry' });
    assert.equal(container?.state, 'running');
    assert.deepEqual(container?.ports, [{ container: 5000, host: port, address: '127.0.0.1' }]);
    await rollBack.run(() => {});
    assert.deepEqual(await engine.containers({}), []);
  });

  test('it is announced with both names', () => {
    const text = hostingOf({ container: 'r', host: 'localhost:5000', hostFromNodes: 'r:5000' });
    assert.deepEqual(text.trim().split('\n'), ['host: localhost:5000', 'hostFromContainerRuntime: r:5000']);
  });
});

describe('registries.yaml', () => {
  const registry = { container: 'r', host: 'localhost:5000', hostFromNodes: 'r:5000' };

  test('it sends both names of the registry to its container', () => {
    const text = registriesYaml(undefined, registry);
    assert.match(text ?? '', /localhost:5000"?:\s+endpoint:\s+- http:\/\/r:5000/);
    assert.match(text ?? '', /r:5000"?:\s+endpoint:\s+- http:\/\/r:5000/);
  });

  test("the user's own mirrors and comments stay", () => {
    const text =
      '# ours\nmirrors:\n  localhost:5000: { endpoint: ["http://elsewhere:5000"] }\n  docker.io: { endpoint: [] }\n';
    const merged = registriesYaml({ file: 'registries.yaml', text }, registry) ?? '';
    assert.match(merged, /^# ours/);
    assert.match(merged, /elsewhere:5000/);
    assert.match(merged, /docker\.io/);
    assert.match(merged, /r:5000:/);
    assert.doesNotMatch(merged, /localhost:5000:\s+endpoint:\s+- http:\/\/r:5000/);
  });

  test('without a registry there is nothing to tell, or just what was given', () => {
    assert.equal(registriesYaml(undefined, undefined), undefined);
    assert.equal(registriesYaml({ file: 'f', text: 'configs: {}\n' }, undefined), 'configs: {}\n');
  });
});
