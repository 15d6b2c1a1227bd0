import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type { Duplex } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { openForwards } from '../../../src/forward/open-forwards.ts';
import type { PodRef } from '../../../src/kube/kube.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import type { Forward, ForwardTarget } from '../../../src/project.ts';
import { FakeKube } from '../../support/fake-kube.ts';

const labels = { 'stormctl.dev/project': 'p', app: 'web' };

function rule(target: ForwardTarget, port: number | string, more: Partial<Forward> = {}): Forward {
  const at = { file: 'stormctl.yaml', line: 7, column: 5 };
  return { target, port, local: 'auto', address: '127.0.0.1', at, ...more };
}

const toPod = rule({ kind: 'Pod', name: 'web-0' }, 80);

function addPod(kube: FakeKube, name: string, ready = true, more: Record<string, unknown> = {}): void {
  kube.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'storm', labels, ...more },
    spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
}

/** A server in place of all pods, and a cluster whose tunnels lead to it. */
async function setUp(scope: Scope, handle: (socket: Socket) => void, rules: readonly Forward[], holdMs = 20_000) {
  const server: Server = createServer({ allowHalfOpen: true }, handle);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.own(server, (each) => {
    each.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  const tunnels: { readonly to: string; readonly stream: Duplex }[] = [];
  const tunnel = async (pod: PodRef, podPort: number) => {
    const stream = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(stream, 'connect');
    tunnels.push({ to: `${pod.namespace}/${pod.pod}:${podPort}`, stream });
    return stream;
  };
  const kube = new FakeKube({ namespaces: ['storm'], connect: tunnel });
  const { signal } = scope;
  const labelSelector = 'stormctl.dev/project=p';
  const view = scope.own(openPodView({ kube, namespaces: ['storm'], labelSelector, signal }));
  const reports: Report[] = [];
  const told: (() => void)[] = [];
  const report = (each: Report) => {
    reports.push(each);
    for (const tell of told.splice(0)) tell();
  };
  const forwards = scope.own(await openForwards(rules, { report, holdMs }));
  const ports = reports.flatMap((each) => (each.type === 'forward.listening' ? [each.local] : []));
  const serve = () => forwards.serve({ kube, view, namespaceOf: () => 'storm' });
  const refused = async () => {
    for (;;) {
      const found = reports.filter((each) => each.type === 'forward.refused');
      if (found.length > 0) return found.map(({ because }) => because);
      await new Promise<void>((resolve) => void told.push(resolve));
    }
  };
  const dial = (index = 0) => {
    const client = connect({ port: ports[index] ?? 0, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => {});
    return scope.own(client, (each) => each.destroy());
  };
  return { kube, view, forwards, serve, dial, refused, tunnels, reports };
}

const echo = (socket: Socket) => void socket.on('error', () => {}).pipe(socket);

describe('openForwards', { timeout: 30_000 }, () => {
  it('holds a client from before there is a cluster until a pod is ready, and loses nothing it sent', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, tunnels, view } = await setUp(scope, echo, [toPod]);
    const client = dial();
    client.write('hello ');
    await once(client, 'connect');
    serve();
    addPod(kube, 'web-0', false);
    await view.until((pods) => pods.length === 1, scope.signal);
    client.write('world');
    assert.equal(tunnels.length, 0);
    addPod(kube, 'web-0', true);
    client.end();
    assert.equal(await text(client), 'hello world');
  });

  it('refuses after the hold, and says what it waited for', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, refused, view } = await setUp(scope, echo, [toPod], 60);
    addPod(kube, 'web-0', false);
    await view.until((pods) => pods.length === 1, scope.signal);
    serve();
    const client = dial();
    assert.equal(await text(client), '');
    assert.deepEqual(await refused(), ['pod web-0 of pod/web-0 is not ready, for 0 s']);
  });

  it('forgets a client that leaves while it is held', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, tunnels, view } = await setUp(scope, echo, [toPod]);
    serve();
    const client = dial();
    client.end('POST / HTTP/1.1\r\n');
    await once(client.resume(), 'close');
    addPod(kube, 'web-0');
    await view.until((pods) => pods.length === 1, scope.signal);
    const second = dial();
    second.end('x');
    assert.equal(await text(second), 'x');
    assert.equal(tunnels.length, 1, 'the client that left was connected');
  });

  it('keeps the half that is open when a client ends its side', async () => {
    await using scope = new Scope();
    const answer = (socket: Socket) => {
      const got: Buffer[] = [];
      socket
        .on('data', (chunk: Buffer) => got.push(chunk))
        .on('end', () => socket.end(`got ${Buffer.concat(got).toString()}`));
    };
    const { kube, dial, serve, view } = await setUp(scope, answer, [toPod]);
    addPod(kube, 'web-0');
    await view.until((pods) => pods.length === 1, scope.signal);
    serve();
    const client = dial();
    client.end('all');
    assert.equal(await text(client), 'got all');
  });

  it('copies much both ways at once', async () => {
    await using scope = new Scope();
    const { kube, dial, serve } = await setUp(scope, echo, [toPod]);
    addPod(kube, 'web-0');
    serve();
    const sent = Buffer.alloc(16 * 1024 * 1024, 'stormctl forward ');
    const client = dial();
    client.end(sent);
    assert.ok(sent.equals(await buffer(client)));
  });

  it('leads each new client to the newest ready pod, and leaves the old ones where they are', async () => {
    await using scope = new Scope();
    const deployment = rule({ kind: 'Deployment', name: 'web' }, 'http');
    const { kube, dial, serve, tunnels, view } = await setUp(scope, echo, [deployment]);
    const made = (name: string, day: number) => ({
      creationTimestamp: `2026-01-0${day}T00:00:00Z`,
      labels: { ...labels, 'pod-template-hash': name },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `web-${name}`, uid: name, controller: true },
      ],
    });
    addPod(kube, 'old', true, made('a', 1));
    serve();
    const first = dial();
    first.write('1');
    await once(first, 'data');
    addPod(kube, 'new', false, made('b', 2));
    await view.until((pods) => pods.length === 2, scope.signal);
    const second = dial();
    second.write('2');
    await once(second, 'data');
    addPod(kube, 'new', true, made('b', 2));
    await view.until((pods) => pods.every(({ ready }) => ready), scope.signal);
    const third = dial();
    third.write('3');
    await once(third, 'data');
    assert.deepEqual(
      tunnels.map(({ to }) => to),
      ['storm/old:8080', 'storm/old:8080', 'storm/new:8080'],
    );
    tunnels[0]?.stream.destroy(new Error('pod gone'));
    const [reset] = (await once(first, 'error')) as [NodeJS.ErrnoException];
    assert.equal(reset.code, 'ECONNRESET');
    third.end('still here');
    assert.equal(await text(third), 'still here');
  });

  it("resolves a Service's port by its number to the port that its pods name", async () => {
    await using scope = new Scope();
    const { kube, dial, serve, tunnels } = await setUp(scope, echo, [rule({ kind: 'Service', name: 'web' }, 3000)]);
    const metadata = { name: 'web', namespace: 'storm' };
    const ports = [{ name: 'api', port: 3000, targetPort: 'http' }];
    kube.put({ apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'web' }, ports } });
    addPod(kube, 'web-0');
    addPod(kube, 'other', true, { labels: { ...labels, app: 'other' } });
    serve();
    const client = dial();
    client.end('x');
    assert.equal(await text(client), 'x');
    assert.deepEqual(
      tunnels.map(({ to }) => to),
      ['storm/web-0:8080'],
    );
  });

  it('refuses at once what no pod can mend, and tells it once', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, refused } = await setUp(scope, echo, [rule({ kind: 'Service', name: 'web' }, 99)]);
    const metadata = { name: 'web', namespace: 'storm' };
    kube.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    serve();
    for (let turn = 0; turn < 2; turn++) assert.equal(await text(dial()), '');
    assert.deepEqual(await refused(), ['service/web has no port 99 (it has 80)']);
  });

  it('waits for a Service that is not there yet', async () => {
    await using scope = new Scope();
    const { kube, dial, serve } = await setUp(scope, echo, [rule({ kind: 'Service', name: 'web' }, 80)]);
    addPod(kube, 'web-0');
    serve();
    const client = dial();
    client.write('x');
    while (!kube.requests.some(({ path }) => path.endsWith('/services/web'))) await new Promise(setImmediate);
    const metadata = { name: 'web', namespace: 'storm' };
    kube.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'x');
  });

  it('resets the client when nothing listens in the pod, says so, and goes on', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, refused, view } = await setUp(scope, echo, [toPod]);
    addPod(kube, 'web-0');
    await view.until((pods) => pods.length === 1, scope.signal);
    const tunnel = kube.connect.bind(kube);
    const broken = new PassThrough();
    kube.connect = async () => {
      kube.connect = tunnel;
      setImmediate(() => broken.destroy(new Failure('unreachable', 'nothing listens on port 80 of pod web-0')));
      return broken;
    };
    serve();
    const [error] = (await once(dial(), 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    assert.deepEqual(await refused(), ['nothing listens on port 80 of pod web-0']);
    const next = dial();
    next.end('x');
    assert.equal(await text(next), 'x');
  });

  it('tries again when the pod went away between the look and the connection', async () => {
    await using scope = new Scope();
    const { kube, dial, serve } = await setUp(scope, echo, [toPod]);
    addPod(kube, 'web-0');
    const tunnel = kube.connect.bind(kube);
    kube.connect = async () => {
      kube.connect = tunnel;
      throw new Failure('unreachable', 'the server closed the connection');
    };
    serve();
    const client = dial();
    client.write('x');
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'x');
  });

  it('names the process that has the port, and closes what it had opened', async () => {
    await using scope = new Scope();
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    scope.own(other, (each) => each.close());
    const taken = (other.address() as AddressInfo).port;
    const reports: Report[] = [];
    const rules = [toPod, rule(toPod.target, 80, { local: taken })];
    const error = await openForwards(rules, { report: (each) => reports.push(each) }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof Failure);
    assert.equal(error.kind, 'usage');
    assert.equal(error.where, 'stormctl.yaml:7:5');
    if (process.platform === 'linux')
      assert.match(error.message, new RegExp(`is taken by .*\\(pid ${process.pid}\\)$`));
    const [opened] = reports;
    assert.ok(opened?.type === 'forward.listening');
    const again = connect({ port: opened.local, host: '127.0.0.1' });
    const [refusal] = (await once(again, 'error')) as [NodeJS.ErrnoException];
    assert.equal(refusal.code, 'ECONNREFUSED');
  });

  it("says that an address is not this machine's", async () => {
    const elsewhere = rule(toPod.target, 80, { address: '192.0.2.1' });
    await assert.rejects(
      openForwards([elsewhere], { report: () => {} }),
      (error) => error instanceof Failure && error.message === '192.0.2.1 is no address of this machine',
    );
  });

  it('gives URLs that a person can open', async () => {
    await using scope = new Scope();
    const database = rule({ kind: 'Service', name: 'db' }, 5432, { address: 'localhost' });
    const { forwards, reports } = await setUp(scope, echo, [toPod, database]);
    const ports = reports.flatMap((each) => (each.type === 'forward.listening' ? [each.local] : []));
    assert.deepEqual(forwards.endpoints, [
      { name: 'pod/web-0', url: `http://localhost:${ports[0]}` },
      { name: 'service/db', url: `postgres://localhost:${ports[1]}` },
    ]);
  });

  it('closes listeners and connections, held and joined, when it is disposed', async () => {
    await using scope = new Scope();
    const nowhere = rule({ kind: 'Pod', name: 'absent' }, 80);
    const { kube, dial, serve, forwards, reports } = await setUp(scope, echo, [toPod, nowhere]);
    addPod(kube, 'web-0');
    serve();
    const joined = dial(0);
    joined.write('x');
    await once(joined, 'data');
    const held = dial(1);
    await once(held, 'connect');
    const closed = Promise.all([once(joined.resume(), 'close'), once(held.resume(), 'close')]);
    joined.on('end', () => joined.end());
    held.on('end', () => held.end());
    await forwards[Symbol.asyncDispose]();
    await closed;
    const [refusal] = (await once(dial(0), 'error')) as [NodeJS.ErrnoException];
    assert.equal(refusal.code, 'ECONNREFUSED');
    assert.deepEqual(
      reports.filter(({ type }) => type === 'forward.refused'),
      [],
    );
  });
});
