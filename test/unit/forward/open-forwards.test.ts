import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { Failure, Failures } from '../../../src/errors.ts';
import type { Report } from '../../../src/events.ts';
import { openForwards } from '../../../src/forward/open-forwards.ts';
import type { PodRef } from '../../../src/kube/kube.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import type { Forward, ForwardTarget } from '../../../src/project.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { freePort } from '../../support/hello-project.ts';
import { listens } from '../../support/outside.ts';
import { until } from '../../support/until.ts';
import { hears } from '../../support/hears.ts';

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
  const forwards = scope.own(openForwards({ report, holdMs, retryMs: 20 }));
  await forwards.update(rules);
  const ports = reports.flatMap((each) => (each.type === 'forward.listening' ? [each.local] : []));
  const serve = () => forwards.serve({ kube, view, seesAll: false, namespaceOf: () => 'storm' });
  const news = () => new Promise<void>((resolve) => void told.push(resolve));
  const reported = async <T extends Report['type']>(type: T, is: (report: Extract<Report, { type: T }>) => boolean) => {
    for (;;) {
      for (const each of reports) if (isOf(each, type) && is(each)) return each;
      await news();
    }
  };
  const refused = async () => {
    await reported('forward.refused', () => true);
    return reports.flatMap((each) => (each.type === 'forward.refused' ? [each.because] : []));
  };
  const dialAt = (port: number) => {
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => {});
    return scope.own(client, (each) => each.destroy());
  };
  const dial = (index = 0) => dialAt(ports[index] ?? 0);
  return { kube, view, forwards, serve, dial, dialAt, refused, tunnels, reports, report: reported };
}

function isOf<T extends Report['type']>(report: Report, type: T): report is Extract<Report, { type: T }> {
  return report.type === type;
}

const nobodyThere = new Failure('unreachable', 'nothing listens on port 80 of pod web-0', {
  detail: 'failed to connect to localhost:80: connect: connection refused',
});

/** A connection that answers nothing and fails: as soon as somebody reads it, or when it has taken the first bytes. */
function failing(error: Error, when: 'read' | 'sentTo' = 'sentTo'): Duplex {
  const stream: Duplex = new Duplex({
    read() {
      if (when === 'read') stream.destroy(error);
    },
    write(_chunk, _encoding, done) {
      done();
      stream.destroy(error);
    },
  });
  return stream;
}

function putService(kube: FakeKube, spec: Record<string, unknown>): void {
  kube.put({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'storm' }, spec });
}

/** @returns a port that somebody listens on. */
async function taken(scope: Scope, host = '127.0.0.1'): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  scope.own(server, (each) => each.close());
  return (server.address() as AddressInfo).port;
}

const echo = (socket: Socket) => void socket.on('error', () => {}).pipe(socket);

describe('openForwards', { timeout: 120_000 }, () => {
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
    assert.deepEqual(await refused(), ['pod/web-0 is not ready, for 0 s']);
  });

  it('forgets a client that leaves while it is held', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, tunnels, view, forwards, reports } = await setUp(scope, echo, [toPod]);
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
    await forwards[Symbol.asyncDispose]();
    const served = reports.flatMap((each) => (each.type === 'forward.served' ? [each.connections] : []));
    assert.deepEqual(served, [1], 'the client that left was counted');
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
    await until(() => kube.watching >= 2);
    const metadata = { name: 'web', namespace: 'storm' };
    kube.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await hears(client, 'x');
  });

  it('resets the client when nothing listens in the pod, says so, and goes on', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, refused, view } = await setUp(scope, echo, [toPod]);
    addPod(kube, 'web-0');
    await view.until((pods) => pods.length === 1, scope.signal);
    const tunnel = kube.connect.bind(kube);
    kube.connect = async () => {
      kube.connect = tunnel;
      return failing(nobodyThere, 'read');
    };
    serve();
    const [error] = (await once(dial(), 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    assert.deepEqual(await refused(), ['pod web-0: nothing listens on 80 (its containers declare 8080 (http))']);
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
    await hears(client, 'x');
  });

  it('names the processes that have the ports, all of them at once, and opens none', async () => {
    await using scope = new Scope();
    const [first, second] = [await taken(scope), await taken(scope, '::1')];
    const free = await freePort();
    const reports: Report[] = [];
    const forwards = scope.own(openForwards({ report: (each) => reports.push(each) }));
    const error = await forwards
      .update([
        rule(toPod.target, 80, { local: free }),
        rule(toPod.target, 81, { local: first }),
        rule(toPod.target, 82, { local: second, address: 'localhost' }),
      ])
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    assert.ok(error instanceof Failures);
    assert.deepEqual(
      error.all.map(({ kind, where }) => [kind, where]),
      [
        ['usage', 'stormctl.yaml:7:5'],
        ['usage', 'stormctl.yaml:7:5'],
      ],
    );
    if (process.platform === 'linux')
      for (const [index, port] of [first, second].entries())
        assert.match(
          error.all[index]?.message ?? '',
          new RegExp(`^port ${port} is taken by .*\\(pid ${process.pid}\\)$`),
        );
    assert.deepEqual(reports, []);
    assert.equal(await listens(free), false);
  });

  it('opens a port that is chosen at the same number again, and the next one while that is taken', async () => {
    const open = async (scope: Scope) => {
      const { reports } = await setUp(scope, echo, [toPod]);
      return reports.flatMap((each) => (each.type === 'forward.listening' ? [each.local] : []));
    };
    await using first = new Scope();
    const ports = await open(first);
    await using second = new Scope();
    assert.notDeepEqual(await open(second), ports);
    await first[Symbol.asyncDispose]();
    await using third = new Scope();
    assert.deepEqual(await open(third), ports);
  });

  it('keeps the port and the connections of a rule that an update keeps, and closes those of one that is gone', async () => {
    await using scope = new Scope();
    const fixed = rule({ kind: 'Pod', name: 'web-0' }, 81, { local: await freePort() });
    const { kube, dial, serve, forwards, reports, dialAt } = await setUp(scope, echo, [toPod, fixed]);
    addPod(kube, 'web-0');
    serve();
    const [kept, gone] = [dial(0), dial(1)];
    for (const client of [kept, gone]) {
      client.write('x');
      await once(client, 'data');
    }
    const closed = once(gone.resume(), 'close');
    gone.on('end', () => gone.end());
    const elsewhere = { file: 'stormctl.yaml', line: 99, column: 5 };
    const moved = rule({ kind: 'Pod', name: 'web-0' }, 82, { local: Number(fixed.local) });
    await forwards.update([{ ...toPod, at: elsewhere }, moved]);
    await closed;
    kept.write('y');
    await hears(kept, 'y');
    const next = dialAt(Number(fixed.local));
    next.end('z');
    assert.equal(await text(next), 'z');
    assert.deepEqual(
      reports.map((each) => ('port' in each ? `${each.type} ${each.port}` : each.type)),
      [
        'forward.listening 80',
        'forward.listening 81',
        'forward.closed 81',
        'forward.listening 82',
        'forward.served 81',
      ],
    );
  });

  it('opens a port that is taken as soon as it is free, tells that once, and all else at once', async () => {
    await using scope = new Scope();
    const { kube, serve, dialAt, forwards, reports, report } = await setUp(scope, echo, [toPod]);
    addPod(kube, 'web-0');
    serve();
    const rival = createServer();
    rival.listen(0, '127.0.0.1');
    await once(rival, 'listening');
    const { port } = rival.address() as AddressInfo;
    const [wanted, other] = [rule({ kind: 'Pod', name: 'web-0' }, 81, { local: port }), rule(toPod.target, 82)];
    await forwards.update([wanted, other]);
    const late = await report('forward.listening', (each) => each.port === 82);
    assert.equal(late.late, true);
    await forwards.update([wanted, other]);
    rival.close();
    await report('forward.listening', (each) => each.port === 81);
    const failed = reports.flatMap((each) => (each.type === 'failed' ? [each] : []));
    assert.equal(failed.length, 1);
    assert.match(failed[0]?.message ?? '', new RegExp(`^port ${port} is taken`));
    assert.match(failed[0]?.detail ?? '', /tried again until it can be opened/);
    const client = dialAt(port);
    client.end('z');
    assert.equal(await text(client), 'z');
  });

  it('keeps a chosen port and its connections when a rule names its number, and back again', async () => {
    await using scope = new Scope();
    const auto = { ...toPod, target: { ...toPod.target, namespace: 'storm' } };
    const { kube, dial, serve, forwards, reports } = await setUp(scope, echo, [auto]);
    addPod(kube, 'web-0');
    serve();
    const [listening] = reports;
    assert.ok(listening?.type === 'forward.listening');
    const client = dial();
    for (const next of [{ ...toPod, local: listening.local }, auto, { ...toPod, local: listening.local }]) {
      await forwards.update([next]);
      client.write('x');
      await once(client, 'data');
    }
    assert.equal(reports.length, 1, 'nothing was opened or closed');
    await forwards.update([{ ...toPod, local: await freePort() }]);
    assert.deepEqual(
      reports.map(({ type }) => type),
      ['forward.listening', 'forward.closed', 'forward.listening', 'forward.served'],
    );
  });

  it('opens none when one is taken the first time, and says which', async () => {
    await using scope = new Scope();
    const [busy, free] = [await taken(scope), await freePort()];
    await using forwards = openForwards({ report: () => {} });
    const rules = [free, busy].map((local) => rule({ kind: 'Pod', name: 'web-0' }, 80, { local }));
    await assert.rejects(forwards.update(rules), (error) => {
      assert.ok(error instanceof Failures);
      assert.match(error.message, new RegExp(`^port ${busy} is taken`));
      return true;
    });
    assert.equal(await listens(free), false);
  });

  it('gives a chosen port to a rule that names it, and chooses another', async () => {
    await using scope = new Scope();
    const preferred = await freePort();
    const auto = { ...toPod, preferred };
    const { forwards, reports } = await setUp(scope, echo, [auto]);
    await forwards.update([auto, rule({ kind: 'Pod', name: 'other' }, 80, { local: preferred })]);
    const listening = reports.flatMap((each) => (each.type === 'forward.listening' ? [each] : []));
    assert.deepEqual(
      listening.map(({ to, local }) => [to, local === preferred]),
      [
        ['pod/web-0', true],
        ['pod/web-0', false],
        ['pod/other', true],
      ],
    );
    assert.match(listening[1]?.because ?? '', new RegExp(`^${preferred} is taken`));
  });

  it('leaves the connections of a cluster that new ones no longer lead into, and ends its client with the last', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, forwards, view } = await setUp(scope, echo, [toPod]);
    addPod(kube, 'web-0');
    serve();
    const first = dial();
    first.write('x');
    await once(first, 'data');
    let ended = () => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    let isEnded = false;
    kube[Symbol.asyncDispose] = async () => {
      isEnded = true;
      ended();
    };
    await forwards.leave(kube);
    const held = dial();
    held.write('held');
    first.write('y');
    await hears(first, 'y');
    assert.equal(isEnded, false);
    first.destroy();
    await end;
    const next = new FakeKube({
      namespaces: ['storm'],
      connect: (pod, port, signal) => kube.connect(pod, port, signal),
    });
    forwards.serve({ kube: next, view, seesAll: false, namespaceOf: () => 'storm' });
    await hears(held, 'held');
  });

  it('tries another pod, with all that was sent, when one refuses before it took a byte', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, tunnels, view } = await setUp(scope, echo, [rule({ kind: 'Service', name: 'web' }, 80)]);
    putService(kube, { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] });
    addPod(kube, 'old', true, { creationTimestamp: '2026-01-01T00:00:00Z' });
    addPod(kube, 'new', true, { creationTimestamp: '2026-01-02T00:00:00Z' });
    await view.until((pods) => pods.length === 2, scope.signal);
    const tunnel = kube.connect.bind(kube);
    kube.connect = async (pod, port, signal) => {
      if (pod.pod === 'old') return tunnel(pod, port, signal);
      const detail = 'network namespace for sandbox "7417" is closed';
      return failing(new Failure('unreachable', "port 8080 of pod new can't be reached", { detail }));
    };
    serve();
    const client = dial();
    client.write('all of it');
    await hears(client, 'all of it');
    assert.deepEqual(
      tunnels.map(({ to }) => to),
      ['storm/old:8080'],
    );
  });

  it('waits for a program that was started a moment ago to listen', async () => {
    await using scope = new Scope();
    const { kube, dial, serve } = await setUp(scope, echo, [toPod]);
    const state = { running: { startedAt: new Date().toISOString() } };
    kube.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web-0', namespace: 'storm', labels },
      spec: { containers: [{ name: 'main' }] },
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'main', ready: true, state }],
      },
    });
    const tunnel = kube.connect.bind(kube);
    kube.connect = async () => {
      kube.connect = tunnel;
      return failing(nobodyThere);
    };
    serve();
    const client = dial();
    const [answer] = (await once(
      client.on('connect', () => client.write('x')),
      'data',
    )) as [Buffer];
    assert.equal(answer.toString(), 'x');
  });

  it('does not send to another pod what the first may have taken', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, refused } = await setUp(scope, echo, [toPod]);
    addPod(kube, 'web-0');
    const tunnel = kube.connect.bind(kube);
    kube.connect = async () => {
      kube.connect = tunnel;
      return failing(new Failure('unreachable', 'the connection was cut'));
    };
    serve();
    const client = dial();
    client.write('POST');
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    assert.deepEqual(await refused(), ['the connection was cut']);
  });

  it('resets the far side when the client breaks off', async () => {
    await using scope = new Scope();
    let broken = () => {};
    const breaks = new Promise<void>((resolve) => {
      broken = resolve;
    });
    const handle = (socket: Socket) =>
      void socket
        .on('error', () => {})
        .on('close', broken)
        .pipe(socket);
    const { kube, dial, serve } = await setUp(scope, handle, [toPod]);
    addPod(kube, 'web-0');
    serve();
    const client = dial();
    client.write('x');
    await once(client, 'data');
    client.resetAndDestroy();
    await breaks;
  });

  it('serves five hundred clients at once', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, tunnels } = await setUp(scope, echo, [rule({ kind: 'Service', name: 'web' }, 80)]);
    const clients = Array.from({ length: 500 }, () => dial());
    const answers = clients.map((client, index) => {
      client.end(`client ${index}`);
      return text(client);
    });
    await Promise.all(clients.map((client) => once(client, 'connect')));
    putService(kube, { selector: { app: 'web' }, ports: [{ port: 80 }] });
    addPod(kube, 'web-0');
    serve();
    assert.deepEqual(
      await Promise.all(answers),
      clients.map((_, index) => `client ${index}`),
    );
    assert.equal(tunnels.length, 500);
    assert.equal(kube.requests.filter(({ path }) => path.includes('/services')).length, 0, 'one watch serves all');
  });

  it('finds the pods behind a Service that are not of the project', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, tunnels } = await setUp(scope, echo, [rule({ kind: 'Service', name: 'web' }, 80)]);
    putService(kube, { selector: { app: 'operated' }, ports: [{ port: 80 }] });
    addPod(kube, 'operated-0', true, { labels: { app: 'operated' } });
    serve();
    const client = dial();
    client.end('x');
    assert.equal(await text(client), 'x');
    assert.equal(tunnels[0]?.to, 'storm/operated-0:80');
  });

  it('asks for a Service where Services may not be watched', async () => {
    await using scope = new Scope();
    const { kube, dial, serve } = await setUp(scope, echo, [rule({ kind: 'Service', name: 'web' }, 80)]);
    putService(kube, { selector: { app: 'web' }, ports: [{ port: 80 }] });
    addPod(kube, 'web-0');
    const watch = kube.watch.bind(kube);
    kube.watch = (request, signal) => {
      if (request.path.endsWith('/services')) throw refusal('GET', request.path, 403, 'Forbidden', 'no watch');
      return watch(request, signal);
    };
    serve();
    const client = dial();
    client.end('x');
    assert.equal(await text(client), 'x');
  });

  it('leads a client that waits for what a cluster has into the one that takes its place', async () => {
    await using scope = new Scope();
    const { kube, dial, forwards, view } = await setUp(scope, echo, [rule({ kind: 'Service', name: 'web' }, 80)]);
    putService(kube, { selector: { app: 'web' }, ports: [{ port: 80 }] });
    addPod(kube, 'web-0');
    const watch = kube.watch.bind(kube);
    let asked = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    // Answers nothing: a cluster behind a network that is away.
    kube.watch = async function* silent(_request, signal) {
      asked();
      yield await new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('cut')), { once: true });
      });
    };
    const cluster = { view, seesAll: false, namespaceOf: () => 'storm' };
    forwards.serve({ ...cluster, kube });
    const client = dial();
    client.write('x');
    await isAsked;
    const next = new FakeKube({ namespaces: ['storm'], connect: (...words) => kube.connect(...words) });
    next.watch = watch;
    forwards.serve({ ...cluster, kube: next });
    // At the end of the hold it would be closed, with no data.
    const [answer] = (await once(client, 'data', { signal: AbortSignal.timeout(60_000) })) as [Buffer];
    assert.equal(answer.toString(), 'x');
  });

  for (const [what, spec, because] of [
    [
      'a Service without a selector',
      { ports: [{ port: 80 }] },
      'service/web selects no pods: its endpoints are written by hand, so connect to what they name',
    ],
    [
      'a Service that is another name',
      { type: 'ExternalName', externalName: 'db.example.com' },
      'service/web is only another name for db.example.com: there is no pod behind it, so connect to that',
    ],
    [
      'a port that is not TCP',
      { selector: { app: 'web' }, ports: [{ port: 80, protocol: 'UDP' }] },
      'port 80 of service/web is UDP, and only TCP can be forwarded',
    ],
    [
      'a port that no container names',
      { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'grpc' }] },
      'no container of pod web-0 names a port grpc (its containers declare 8080 (http))',
    ],
  ] as const)
    it(`explains ${what}`, async () => {
      await using scope = new Scope();
      const { kube, dial, serve, refused } = await setUp(scope, echo, [rule({ kind: 'Service', name: 'web' }, 80)]);
      putService(kube, spec);
      addPod(kube, 'web-0');
      serve();
      assert.equal(await text(dial()), '');
      assert.deepEqual(await refused(), [because]);
    });

  it('refuses at once where the account may not forward, and says what it needs', async () => {
    await using scope = new Scope();
    const { kube, dial, serve, refused } = await setUp(scope, echo, [toPod]);
    addPod(kube, 'web-0');
    const path = '/api/v1/namespaces/storm/pods/web-0/portforward';
    kube.connect = () => Promise.reject(refusal('GET', path, 403, 'Forbidden', 'User "dev" cannot create resource'));
    serve();
    assert.equal(await text(dial()), '');
    assert.deepEqual(await refused(), [
      'the cluster refuses it: User "dev" cannot create resource (the account of this context needs `create` and `get` on pods/portforward)',
    ]);
  });

  it('serves clients of IPv6', async () => {
    await using scope = new Scope();
    const { kube, serve, reports } = await setUp(scope, echo, [{ ...toPod, address: '::1' }]);
    addPod(kube, 'web-0');
    serve();
    const [listening] = reports;
    assert.ok(listening?.type === 'forward.listening');
    const client = scope.own(connect({ port: listening.local, host: '::1', allowHalfOpen: true }), (each) =>
      each.destroy(),
    );
    client.end('six');
    assert.equal(await text(client), 'six');
  });

  it("says that an address is not this machine's", async () => {
    const elsewhere = rule(toPod.target, 80, { address: '192.0.2.1' });
    await using forwards = openForwards({ report: () => {} });
    await assert.rejects(
      forwards.update([elsewhere]),
      (error) => error instanceof Failure && error.message === '192.0.2.1 is no address of this machine',
    );
  });

  it('gives URLs that a person can open, and an address where there is none', async () => {
    await using scope = new Scope();
    const database = rule({ kind: 'Service', name: 'db' }, 5432, { address: 'localhost' });
    const { forwards, reports } = await setUp(scope, echo, [toPod, database]);
    const ports = reports.flatMap((each) => (each.type === 'forward.listening' ? [each.local] : []));
    assert.deepEqual(forwards.endpoints, [
      { name: 'pod/web-0:80', url: `http://localhost:${ports[0]}` },
      { name: 'service/db:5432', url: `localhost:${ports[1]}` },
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
