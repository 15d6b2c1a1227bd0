import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Cli } from '../support/cli.ts';
import { freePort, type HelloProject, helloProject } from '../support/hello-project.ts';
import { kubectl, lab } from '../support/lab.ts';
import { eventually, get, listens } from '../support/outside.ts';
import { randomOf } from '../support/random.ts';
import { hears } from '../support/hears.ts';

const env = { KUBECONFIG: lab.kubeconfig };

/** Echoes; it ends at once, as most servers do, when it is told to. */
const server = `
require('net').createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
}).listen(8000);
process.on('SIGTERM', () => process.exit(0));`;

const service = (name: string, port: number) =>
  `---\n${JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: 'echo' }, ports: [{ name: 'echo', port, targetPort: 'echo' }] },
  })}\n`;

function echo(): string {
  const main = {
    name: 'main',
    image: 'node:20-alpine',
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '-e', server],
    ports: [{ name: 'echo', containerPort: 8000 }],
    readinessProbe: { tcpSocket: { port: 'echo' }, periodSeconds: 1 },
  };
  const template = {
    metadata: { labels: { app: 'echo' } },
    spec: { terminationGracePeriodSeconds: 2, containers: [main] },
  };
  return `${JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'echo' },
    spec: { selector: { matchLabels: { app: 'echo' } }, strategy: { type: 'Recreate' }, template },
  })}\n`;
}

describe('forwards', { skip: lab.skip }, () => {
  let project: HelloProject;
  let port: number;
  const cli = (...args: string[]) => new Cli(args, { cwd: project.folder, env });

  before(async () => {
    project = await helloProject('t-forward-e2e');
    port = await freePort();
    await project.write('k8s/echo.yaml', `${echo()}${service('echo', port)}`);
    await project.edit('stormctl.yaml', 'forward:\n', 'forward:\n  - auto\n');
  });
  after(async () => {
    await kubectl(['delete', 'namespace', project.namespace, '--ignore-not-found', '--wait=false']);
    await project[Symbol.asyncDispose]();
  });

  test('no byte is wrong or missing across three rollouts, and ports and connections outlive a reload', {
    timeout: 300_000,
  }, async () => {
    await using dev = cli('dev', '-o', 'json');
    const ready = await dev.report('session.ready', () => true, { timeoutMs: 120_000 });
    assert.deepEqual(
      ready.urls.map(({ name, url }) => `${name} ${url}`).sort(),
      [`service/echo:${port} localhost:${port}`, `service/hello:80 ${project.url}`].sort(),
    );

    const clients = Array.from({ length: 4 }, (_, index) => new BlockClient(port, index + 1));
    const running = Promise.all(clients.map((client) => client.run()));
    for (let rollout = 0; rollout < 3; rollout++) {
      const before = clients.map(({ whole }) => whole);
      await kubectl(['rollout', 'restart', 'deployment/echo', '-n', project.namespace]);
      await kubectl(['rollout', 'status', 'deployment/echo', '-n', project.namespace, '--timeout=120s']);
      // Each of them was answered in whole again.
      await eventually(
        `blocks after rollout ${rollout + 1}`,
        async () => clients.every(({ whole }, index) => whole > (before[index] ?? 0) + 1),
        Boolean,
      );
    }
    for (const client of clients) client.stop();
    await running;
    assert.deepEqual(
      clients.map(({ wrong }) => wrong),
      clients.map(() => []),
    );
    // A pod that goes takes its connections along, and nothing else does.
    assert.ok(
      clients.every(({ cut }) => cut <= 3),
      clients.map(({ whole, cut }) => `${whole} whole, ${cut} cut`).join('; '),
    );
    assert.deepEqual(dev.reportsOf('forward.refused'), [], 'they were held, and none was refused');

    // A connection that idles through a reload of the config goes on after it; a Service that comes has a port.
    const idle = connect(port, '127.0.0.1');
    idle.write('before');
    await hears(idle, 'before');
    await project.write('stormctl.yaml', `${await project.read('stormctl.yaml')}timeout: 4m\n`);
    await dev.until('a second session', (cli) => cli.reportsOf('session.ready').length === 2);
    idle.write('after');
    await hears(idle, 'after');
    idle.destroy();
    const second = await freePort();
    await project.write('k8s/second.yaml', service('second', second));
    const opened = await dev.report('forward.listening', ({ to }) => to === 'service/second');
    assert.equal(opened.local, second);
    const late = connect(second, '127.0.0.1');
    late.write('second');
    await hears(late, 'second');
    late.destroy();

    // Beside the session, and by what stands in the cluster alone.
    await using beside = cli('forward', '--port-offset', '1', '-o', 'json');
    const { urls } = await beside.report('forward.ready');
    const url = `http://localhost:${project.port + 1}`;
    assert.ok(urls.some((each) => each.name === 'service/hello:80' && each.url === url));
    assert.match(await get(url), /hello/);
    beside.kill('SIGINT');
    assert.equal((await beside.ended).code, 130);
    assert.equal(await listens(project.port + 1), false);
    dev.kill('SIGINT');
    assert.equal((await dev.ended).code, 130);
    assert.equal(await listens(port), false);
  });
});

/** Writes and reads numbered blocks, a connection after another, and holds what comes back against what it sent. */
class BlockClient {
  /** How many connections were answered to their end. */
  whole = 0;
  /** How many ended before. */
  cut = 0;
  readonly wrong: string[] = [];
  readonly #port: number;
  readonly #random: (below: number) => number;
  #isStopped = false;
  #block = 0;

  constructor(port: number, seed: number) {
    this.#port = port;
    this.#random = randomOf(seed);
  }

  stop(): void {
    this.#isStopped = true;
  }

  async run(): Promise<void> {
    while (!this.#isStopped) await this.#talk(connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true }));
  }

  async #talk(socket: Socket): Promise<void> {
    const sent: Buffer[] = [];
    const got: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => got.push(chunk));
    const closed = once(
      socket.on('end', () => socket.end()),
      'close',
    ).catch(() => {});
    for (let left = 10; left > 0 && !socket.destroyed && !socket.readableEnded; left--) {
      const block = Buffer.alloc(1 + this.#random(20_000), `block ${++this.#block} `);
      sent.push(block);
      socket.write(block);
      await delay(this.#random(20));
    }
    socket.end();
    await closed;
    const [all, back] = [Buffer.concat(sent), Buffer.concat(got)];
    if (!all.subarray(0, back.length).equals(back)) this.wrong.push(`block ${this.#block}: other bytes came back`);
    if (back.length === all.length) this.whole++;
    else this.cut++;
  }
}
