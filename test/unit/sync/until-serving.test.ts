import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { supervisorCommand } from '../../../src/manifests/supervisor.ts';
import { readTarget } from '../../../src/sync/read-target.ts';
import { untilServing } from '../../../src/sync/until-serving.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { LocalExec } from '../../support/local-exec.ts';

const never = new AbortController().signal;
const target = { namespace: 'storm', pod: 'web-1', container: 'main', containerId: 'containerd://1' };

function podOf(container: Readonly<Record<string, unknown>>, containerID = 'containerd://1') {
  const state = { running: { startedAt: '2026-01-01T00:00:00Z' } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'storm' },
    spec: { containers: [{ name: 'main', ...container }] },
    status: { containerStatuses: [{ name: 'main', containerID, state }] },
  };
}

/** A pod whose port leads to a server of this machine. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const asked: number[] = [];
  const kube = new FakeKube({
    connect: async (_pod, to) => {
      asked.push(to);
      return connect(port, '127.0.0.1');
    },
  });
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  return { kube, asked, [Symbol.asyncDispose]: close };
}

const http = {
  ports: [{ name: 'web', containerPort: 8080 }],
  readinessProbe: { httpGet: { path: '/health', port: 'web', httpHeaders: [{ name: 'X-Probe', value: 'yes' }] } },
};

async function probeOf(kube: FakeKube, container: Readonly<Record<string, unknown>>) {
  kube.put(podOf(container));
  const facts = await readTarget(kube, target, never);
  assert.ok(facts.kind === 'running');
  return facts.probe;
}

test('it serves when its HTTP probe is answered well, and not before', async () => {
  let left = 3;
  const seen: unknown[] = [];
  await using scene = await serve(({ url, headers }, response) => {
    seen.push([url, headers['x-probe']]);
    response.writeHead(left-- > 0 ? 503 : 204).end();
  });
  const probe = await probeOf(scene.kube, http);
  assert.deepEqual(await untilServing(scene.kube, target, probe, never), { kind: 'serving' });
  assert.equal(left, -1);
  assert.deepEqual(seen[0], ['/health', 'yes']);
  assert.deepEqual(new Set(scene.asked), new Set([8080]));
});

test('what answers in the place of a container that ended is not it', async () => {
  await using scene = await serve((_request, response) => void response.end());
  const probe = await probeOf(scene.kube, http);
  scene.kube.put(podOf(http, 'containerd://2'));
  assert.deepEqual(await untilServing(scene.kube, target, probe, never), {
    kind: 'gone',
    because: 'the container ended',
  });
});

test('an exec probe is run', async () => {
  const exec = new LocalExec();
  const kube = new FakeKube({ exec: exec.exec });
  const command = ['node', '-e', ''];
  const probe = await probeOf(kube, { readinessProbe: { exec: { command } } });
  assert.deepEqual(await untilServing(kube, target, probe, never), { kind: 'serving' });
  assert.deepEqual(
    exec.requests.map((request) => request.command),
    [command],
  );
});

test('without a probe that can be asked, nothing is known', async () => {
  const kube = new FakeKube();
  for (const container of [
    {},
    { readinessProbe: { tcpSocket: { port: 80 } } },
    { readinessProbe: { httpGet: { port: 443, scheme: 'HTTPS' } } },
    { readinessProbe: { httpGet: { port: 'unnamed' } } },
  ])
    assert.equal(await probeOf(kube, container), undefined);
  assert.deepEqual(await untilServing(kube, target, undefined, never), { kind: 'unknown' });
});

test('an abort ends the wait', async () => {
  await using scene = await serve((_request, response) => void response.writeHead(500).end());
  const probe = await probeOf(scene.kube, http);
  const abort = new AbortController();
  const waiting = untilServing(scene.kube, target, probe, abort.signal);
  abort.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
});

test('a supervised container is told from one that is not, and one that is not there is gone', async () => {
  const kube = new FakeKube();
  const interpreter = { kind: 'sh', path: '/bin/sh' } as const;
  kube.put(podOf({ command: supervisorCommand(interpreter) }));
  const facts = await readTarget(kube, target, never);
  assert.deepEqual(facts, { kind: 'running', supervisor: interpreter, probe: undefined });
  kube.put(podOf({ command: ['npm', 'start'] }));
  assert.deepEqual(await readTarget(kube, target, never), { kind: 'running', supervisor: undefined, probe: undefined });
  assert.equal((await readTarget(kube, { ...target, pod: 'web-2' }, never)).kind, 'gone');
});
