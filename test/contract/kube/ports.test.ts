import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import { ApiError, type Kube } from '../../../src/kube/kube.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { kubectl, lab, testNamespace } from '../../support/lab.ts';
import { UpgradeBarrier } from '../../support/upgrade-barrier.ts';
import { hears } from '../../support/hears.ts';

const namespace = 't-ports';
const mebibyte = 1024 * 1024;

/**
 * 8000 echoes, 8001 sends SIZE bytes and ends, 8002 takes as many and says their hash, 8003 answers 1.5 s after the request
 * in two parts, 8004 resets, 8005 takes SIZE bytes at 1 MB a second and says so.
 */
const program = `
const net = require('net');
const size = Number(process.env.SIZE);
const hash = () => require('crypto').createHash('sha256');
const on = (port, serve) => net.createServer({ allowHalfOpen: true }, (s) => { s.on('error', () => {}); serve(s); }).listen(port);
on(8000, (s) => s.pipe(s));
on(8001, (s) => {
  let sent = 0;
  const block = Buffer.alloc(65536);
  const go = () => {
    while (sent < size) { block.writeUInt32BE(sent); const copy = Buffer.from(block); sent += 65536; if (!s.write(copy)) return s.once('drain', go); }
    s.end();
  };
  go();
});
on(8002, (s) => {
  let got = 0;
  const sum = hash();
  s.on('data', (d) => { got += d.length; sum.update(d); if (got === size) s.end(sum.digest('hex')); });
});
// Who has ended its side waits for an answer: neither silence nor a first part is the end of it.
on(8003, (s) => s.once('data', () => { setTimeout(() => s.write('a slow '), 1500); setTimeout(() => s.end('answer'), 3000); }));
on(8004, (s) => s.once('data', () => s.resetAndDestroy()));
on(8005, (s) => {
  let got = 0;
  s.on('data', (d) => { got += d.length; s.pause(); setTimeout(() => s.resume(), d.length / 1000); if (got === size) s.end('all of it'); });
});
process.on('SIGTERM', () => process.exit(0));`;

const ways = [
  { name: 'SPDY', refuse: undefined, asks: [], connections: 200, mebibytes: 32 },
  {
    name: 'SPDY in a WebSocket',
    refuse: ['direct'],
    asks: ['SPDY/3.1', 'SPDY/3.1+portforward.k8s.io'],
    connections: 200,
    mebibytes: 16,
  },
  {
    name: 'WebSockets of version 4',
    refuse: ['direct', 'tunnel'],
    asks: ['SPDY/3.1', 'SPDY/3.1+portforward.k8s.io', 'v4.channel.k8s.io'],
    // Each is a TCP and a TLS handshake, which a busy machine has no time for 200 times at once.
    connections: 50,
    mebibytes: 16,
  },
] as const;

const scope = new Scope();
const pods = ways.map((_, index) => `pod-${index}`);
const slowPod = 'pod-slow';

before(async () => {
  if (lab.skip !== false) return;
  scope.own(await testNamespace(namespace));
  const items = [...pods, slowPod].map((name, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          image: 'node:20-alpine',
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '-e', program],
          env: [{ name: 'SIZE', value: `${(ways[index]?.mebibytes ?? 16) * mebibyte}` }],
          readinessProbe: { tcpSocket: { port: 8004 }, periodSeconds: 1 },
        },
      ],
    },
  }));
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await kubectl(['wait', '--for=condition=Ready', '--timeout=120s', '-n', namespace, 'pod', '--all']);
});
after(() => scope[Symbol.asyncDispose]());

// Most of their time is the second that a runtime waits before it ends a connection.
describe('ports of a pod', { skip: lab.skip, timeout: 300_000, concurrency: true }, () => {
  it('answer a client that has ended its side long before the pod has read all', async ({ signal }) => {
    await using kube = await connectCluster({
      kubeconfig: lab.kubeconfig,
      context: lab.context,
      env: process.env,
    });
    const stream = await kube.connect({ namespace, pod: slowPod }, 8005, signal);
    stream.end(Buffer.alloc(16 * mebibyte));
    assert.equal(await text(stream), 'all of it');
  });

  for (const [index, { name, refuse, asks, connections, mebibytes }] of ways.entries())
    describe(`over ${name}`, { concurrency: 1 }, () => {
      const own = new Scope();
      const pod = { namespace, pod: pods[index] ?? '' };
      let kube: Kube;
      let barrier: UpgradeBarrier | undefined;

      before(async () => {
        if (lab.skip !== false) return;
        if (refuse) barrier = own.own(await openBarrier(own, refuse));
        const kubeconfig = barrier?.kubeconfig ?? lab.kubeconfig;
        kube = own.own(await connectCluster({ kubeconfig, context: lab.context, env: process.env }));
      });
      after(() => own[Symbol.asyncDispose]());

      it(`echo over ${connections} connections at once`, async ({ signal }) => {
        setMaxListeners(0, signal);
        await Promise.all(
          Array.from({ length: connections }, async (_, number) => {
            const stream = await kube.connect(pod, 8000, signal);
            stream.write(`number ${number}`);
            await hears(stream, `number ${number}`);
            stream.destroy();
          }),
        );
        if (barrier) assert.deepEqual([...new Set(barrier.asked)], asks);
        if (barrier && refuse?.length === 1) assert.equal(barrier.asked.length, 2, 'there is more than one session');
      });

      it(`send and take ${mebibytes} MiB whole`, async ({ signal }) => {
        const size = mebibytes * mebibyte;
        const [got, told] = await Promise.all([download(), upload()]);
        assert.equal(got, hashOf(size));
        assert.equal(told, hashOf(size));

        async function download(): Promise<string> {
          const sum = createHash('sha256');
          for await (const bytes of await kube.connect(pod, 8001, signal)) sum.update(bytes as Buffer);
          return sum.digest('hex');
        }

        async function upload(): Promise<string> {
          const stream = await kube.connect(pod, 8002, signal);
          for (const block of blocks(size)) if (!stream.write(block)) await once(stream, 'drain');
          stream.end();
          return text(stream);
        }
      });

      it('answer a client that has ended its side to the end', async ({ signal }) => {
        const stream = await kube.connect(pod, 8003, signal);
        stream.end('ask');
        assert.equal(await text(stream), 'a slow answer');
      });

      it('on which nobody listens, or that are reset, error the connection with the reason', async ({ signal }) => {
        const [nobody] = (await once(await kube.connect(pod, 9999, signal), 'error')) as [Failure];
        assert.equal(nobody.message, `nothing listens on port 9999 of pod ${pod.pod}`);
        assert.match(nobody.detail ?? '', /connection refused/);
        const stream = await kube.connect(pod, 8004, signal);
        stream.write('reset me');
        const [reset] = (await once(stream, 'error')) as [Failure];
        assert.equal(reset.message, `pod ${pod.pod} reset the connection to port 8004`);
      });

      it('end with the pod, and there are none after it', async ({ signal }) => {
        const stream = await kube.connect(pod, 8000, signal);
        stream.write('hello');
        await hears(stream, 'hello');
        const closed = once(
          stream.on('error', () => {}),
          'close',
        );
        await kubectl(['delete', 'pod', pod.pod, '-n', namespace, '--wait=false']);
        await closed;
        await kubectl(['wait', '--for=delete', '--timeout=120s', '-n', namespace, `pod/${pod.pod}`]);
        await assert.rejects(async () => {
          for await (const _ of await kube.connect(pod, 8000, signal)) assert.fail('the pod is gone, and answered');
        }, isAbsent);
      });
    });
});

/** By the server, by its node, which forgets the pod at another moment (500), or over the session that was there. */
function isAbsent(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 404 || error.message.startsWith('pod not found');
  return error instanceof Failure && /is closed/.test(error.detail ?? '');
}

async function openBarrier(scope: Scope, refuse: readonly ('direct' | 'tunnel')[]): Promise<UpgradeBarrier> {
  const folder = scope.own(await mkdtemp(join(tmpdir(), 'stormctl-barrier-')), (each) => rm(each, { recursive: true }));
  const view = await kubectl(['config', 'view', '--minify', '--flatten', '--raw', '-o', 'json']);
  return UpgradeBarrier.listen({ view, refuse, file: join(folder, 'kubeconfig') });
}

/** What the pod sends on 8001, and takes on 8002. */
function* blocks(size: number): Generator<Buffer, void, void> {
  for (let at = 0; at < size; at += 65_536) {
    const block = Buffer.alloc(65_536);
    block.writeUInt32BE(at);
    yield block;
  }
}

function hashOf(size: number): string {
  const sum = createHash('sha256');
  for (const block of blocks(size)) sum.update(block);
  return sum.digest('hex');
}
