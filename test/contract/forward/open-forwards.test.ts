import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { Report } from '../../../src/events.ts';
import { openForwards } from '../../../src/forward/open-forwards.ts';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import type { Forward } from '../../../src/project.ts';
import { kubectl, lab, testNamespace } from '../../support/lab.ts';

/** Says the pod's name, then echoes. */
const server = `
require('net').createServer((socket) => {
  socket.on('error', () => {});
  socket.write(process.env.HOSTNAME + '\\n');
  socket.pipe(socket);
}).listen(8000);
process.on('SIGTERM', () => process.exit(0));`;

function manifests(): string {
  const probe = { tcpSocket: { port: 'echo' }, periodSeconds: 1 };
  const main = {
    name: 'main',
    image: 'node:20-alpine',
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '-e', server],
    ports: [{ name: 'echo', containerPort: 8000 }],
    readinessProbe: probe,
  };
  const labels = { app: 'echo', 'stormctl.dev/project': 't-forward' };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [main] } };
  const strategy = { type: 'Recreate' };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'echo' },
        spec: { selector: { matchLabels: { app: 'echo' } }, strategy, template },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'echo' },
        spec: { selector: { app: 'echo' }, ports: [{ port: 80, targetPort: 'echo' }] },
      },
    ],
  });
}

test('a forward outlives the pod behind it', { skip: lab.skip, timeout: 180_000 }, async () => {
  await using namespace = await testNamespace('t-forward');
  await using scope = new Scope();
  const { signal } = scope;
  const env = { ...process.env, KUBECONFIG: lab.kubeconfig };
  const kube = scope.own(await connectCluster({ env, context: lab.context }));
  const labelSelector = 'stormctl.dev/project=t-forward';
  const view = scope.own(openPodView({ kube, namespaces: [namespace.name], labelSelector, signal }));
  const reports: Report[] = [];
  const at = { file: 'stormctl.yaml', line: 1, column: 1 };
  const rule: Forward = {
    target: { kind: 'Service', name: 'echo' },
    port: 80,
    local: 'auto',
    address: 'localhost',
    at,
  };
  const dead: Forward = { ...rule, target: { kind: 'Deployment', name: 'echo' }, port: 9999 };
  const forwards = scope.own(openForwards({ report: (each) => reports.push(each) }));
  await forwards.update([rule, dead]);
  const ports = reports.flatMap((each) => (each.type === 'forward.listening' ? [each.local] : []));
  forwards.serve({ kube, view, seesAll: false, namespaceOf: () => namespace.name });

  const dial = (host = '127.0.0.1', index = 0) => {
    const client = connect({ host, port: ports[index] ?? 0 });
    client.on('error', () => {});
    return scope.own(client, (each) => each.destroy());
  };
  const greeting = async (client: ReturnType<typeof dial>) =>
    ((await once(client, 'data', { signal })) as [Buffer])[0].toString().trim();

  // Dialled before there is a Service: held until its pod is ready.
  const early = dial();
  await kubectl(['apply', '-n', namespace.name, '-f', '-'], manifests());
  const first = await greeting(early);
  assert.match(first, /^echo-/);
  early.write('ping');
  assert.equal(await greeting(early), 'ping');

  const closed = closeOf(early);
  await kubectl(['delete', 'pod', '-n', namespace.name, first, '--wait=false']);
  await view.until((pods) => pods.every((pod) => pod.name !== first || pod.deleting), signal);
  const second = await greeting(dial());
  assert.match(second, /^echo-/);
  assert.notEqual(second, first);
  await closed;
  assert.equal(await greeting(dial('::1')), second);

  const nobody = dial('127.0.0.1', 1);
  await closeOf(nobody);
  assert.deepEqual(
    reports.flatMap((each) => (each.type === 'forward.refused' ? [each.because] : [])),
    [`pod ${second}: nothing listens on 9999 (its containers declare 8000 (echo))`],
  );
});

/** Resolves when it is closed, in order or by a reset. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}
