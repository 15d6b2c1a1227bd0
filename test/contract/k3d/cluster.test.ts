import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connectEngine } from '../../../src/engine/connect-engine.ts';
import type { Report } from '../../../src/events.ts';
import { createCluster } from '../../../src/k3d/create-cluster.ts';
import { deleteCluster } from '../../../src/k3d/delete-cluster.ts';
import { addToKubeconfig } from '../../../src/k3d/kubeconfig-file.ts';
import { loadImage } from '../../../src/k3d/load-image.ts';
import { findCluster, nodesOfServer } from '../../../src/k3d/nodes.ts';
import { run } from '../../../src/lib/process.ts';
import { lab } from '../../support/lab.ts';

const never = new AbortController().signal;
const image = process.env['STORMCTL_K3S_IMAGE'] || 'rancher/k3s:v1.33.13-k3s1';
const pushed = 'localhost:5055/stormctl-test-k3d:1';
const fromNodes = 'k3d-t-k3d-registry:5000/stormctl-test-k3d:1';
const spec = { name: 't-k3d', image, agents: 0, ports: [], registryPort: undefined, registriesFile: undefined };

describe('clusters on a real engine', { skip: lab.skip }, () => {
  const engine = connectEngine(process.env);
  const reports: Report[] = [];
  const options = { report: (report: Report) => reports.push(report), signal: never };

  const left = async () =>
    (
      await run('sh', [
        '-c',
        'docker ps -aq --filter label=k3d.cluster=t-k3d; docker network ls -q --filter name=k3d-t-k3d; docker volume ls -q --filter name=k3d-t-k3d',
      ])
    ).stdout.toString();

  const clear = () => deleteCluster(engine, 't-k3d', options);
  before(clear);
  after(async () => {
    await clear();
    await run('docker', ['image', 'rm', '--force', pushed]);
    await engine[Symbol.asyncDispose]();
  });

  // With the registry that is there, stopped and started: test/e2e/cluster.test.ts.
  test('one of three nodes gets a registry of its own, from which all of them pull, and takes an image on all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stormctl-test-'));
    const created = await createCluster(engine, { ...spec, agents: 2, registryPort: 5055 }, options);
    assert.equal(created.registry?.hostFromNodes, 'k3d-t-k3d-registry:5000');
    const kubeconfig = join(folder, 'config');
    await addToKubeconfig(kubeconfig, created.kubeconfig, never);
    const ready = await run('kubectl', [
      '--kubeconfig',
      kubeconfig,
      '--context',
      'k3d-t-k3d',
      'get',
      '--raw',
      '/readyz',
    ]);
    assert.equal(ready.stdout.toString('utf8'), 'ok', ready.stderr);
    assert.doesNotMatch(await readFile(kubeconfig, 'utf8'), /current-context/);
    await rm(folder, { recursive: true });

    const nodes = await nodesOfServer(engine, created.server);
    assert.deepEqual(nodes.map(({ name }) => name).sort(), [
      'k3d-t-k3d-agent-0',
      'k3d-t-k3d-agent-1',
      'k3d-t-k3d-server-0',
    ]);
    assert.equal((await findCluster(engine, 't-k3d'))?.running, true);
    await assert.rejects(createCluster(engine, spec, options), { kind: 'usage', message: /already/ });
    await engine.tag('alpine:latest', pushed);
    await engine.push(pushed, never);
    await loadImage(engine, nodes, ['busybox:latest'], options);
    await assert.rejects(loadImage(engine, nodes, ['stormctl-test-nowhere:1'], options), {
      kind: 'ship',
      message: /stormctl-test-nowhere/,
    });
    for (const { id, name } of nodes) {
      const pulled = await engine.exec(
        id,
        ['ctr', '-n', 'k8s.io', 'images', 'pull', '--plain-http', fromNodes],
        options,
      );
      assert.equal(pulled.exitCode, 0, `${name}: ${pulled.stderr}`);
      const mirrors = (await engine.readFile(id, '/etc/rancher/k3s/registries.yaml')).toString('utf8');
      assert.match(mirrors, /localhost:5055/);
      const listed = await engine.exec(id, ['ctr', '-n', 'k8s.io', 'images', 'ls', '-q'], options);
      assert.match(listed.stdout, /docker\.io\/library\/busybox:latest/, name);
    }
    assert.equal(await clear(), true);
    assert.equal(await left(), '');
    assert.equal(await clear(), false);
  });

  test('one that fails half-way leaves nothing', async () => {
    // The port is taken by this process, which the engine only finds out when it starts the node.
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const apiPort = typeof address === 'object' && address ? address.port : 0;
    await assert.rejects(createCluster(engine, { ...spec, apiPort }, options), {
      kind: 'unreachable',
      message: /address already in use/,
    });
    server.close();
    assert.equal(await left(), '');
    assert.deepEqual(
      reports.filter(({ type }) => type === 'warning'),
      [],
    );
  });
});
