import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { cpuMs, memoryMb, pause, percentile } from '../measure.mjs';

const namespace = 't-bench-forward';
const samples = 60;
const mebibytes = 300;
/** Enough to see whether memory grows with what is carried. */
const manyMebibytes = 1024;
const mebibyte = 2 ** 20;
const atOnce = 500;

/** `E…` is echoed; `G N` sends N MiB; `S N` takes N MiB and says so. Never the first to end: runtimes then wait a second. */
const server = `
const block = Buffer.alloc(65536, 'g');
require('net').createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  let left;
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.on('data', (data) => {
    if (left === undefined) {
      const [line] = data.toString('latin1').split('\\n', 1);
      data = data.subarray(line.length + 1);
      left = line[0] === 'E' ? Infinity : Number(line.slice(2)) * ${mebibyte};
      if (line[0] === 'G') {
        const go = () => { for (; left > 0; left -= block.length) if (!socket.write(block)) { left -= block.length; return socket.once('drain', go); } };
        return go();
      }
    }
    if (left === Infinity) return socket.write(data);
    left -= data.length;
    if (left <= 0) socket.write('done');
  });
}).listen(8000);
process.on('SIGTERM', () => process.exit(0));`;

/**
 * A forwarded connection of `stormctl forward` beside one of `kubectl port-forward`, a pair at a time: from connect to the
 * first byte echoed, many at once, and the bytes a second each way. Then the set-up where only WebSockets are let through.
 */
export async function measureForward({ bench, site, rounds, row }) {
  startPod(site, bench);
  const kubectl = await openKubectl(bench, site);
  const own = await openStormctl(bench, site.env);
  await measureSetUp({ own, kubectl, row, name: 'set-up of a connection', target: 'at most 1.0' });

  const bursts = { own: [], kubectl: [] };
  for (let round = 0; round <= rounds; round++)
    for (const [who, forward] of inTurns(round, { own, kubectl })) {
      const { ms, cpu } = await withCpu(forward.pid, () => many(forward.port));
      bursts[who].push({ ms, cpu });
    }
  const of = (what, from, to) =>
    [bursts.own, bursts.kubectl].map((all) => all.slice(from, to).map((each) => each[what]));
  row(`the first ${atOnce} connections at once`, 'ms', ...of('ms', 0, 1));
  row(`${atOnce} at once, later`, 'ms', ...of('ms', 1), 'at most 1.0');
  row(`CPU of ${atOnce}, to their end`, 'ms', ...of('cpu', 1));

  for (const { name, carry } of [
    { name: `${mebibytes} MiB from the pod`, carry: down },
    { name: `${mebibytes} MiB to the pod`, carry: up },
  ]) {
    const rates = { own: [], kubectl: [] };
    const cpus = { own: [], kubectl: [] };
    for (let round = 0; round < rounds; round++)
      for (const [who, forward] of inTurns(round, { own, kubectl })) {
        const { ms, cpu } = await withCpu(forward.pid, () => carry(forward.port, mebibytes));
        rates[who].push(mebibytes / (ms / 1000));
        cpus[who].push(cpu);
      }
    row(name, 'MiB/s', rates.own, rates.kubectl, 'at least 0.9');
    row(`CPU of ${name}`, 'ms', cpus.own, cpus.kubectl);
  }
  const peaks = () => [own, kubectl].map(({ pid }) => [memoryMb(pid, 'VmHWM')]);
  row('peak memory of all that', 'MB', ...peaks());
  for (const { port } of [own, kubectl]) for (const carry of [down, up]) await carry(port, manyMebibytes);
  row(`the same after ${manyMebibytes} MiB each way`, 'MB', ...peaks());

  const barrier = await refuseSpdy(bench, site);
  const old = await openStormctl(bench, { ...site.env, KUBECONFIG: barrier.kubeconfig });
  await measureSetUp({ own: old, kubectl, row, name: 'set-up over a WebSocket', target: 'at most 10 ms more' });
  const bare = { through: [], direct: [] };
  for (let sample = 0; sample < samples; sample++) {
    bare.through.push(await echoByWebSocket(http, barrier.url));
    bare.direct.push(await echoByWebSocket(https, barrier.to, barrier.credentials));
  }
  row('the same without stormctl', 'ms', bare.through, []);
  row('the same without the proxy too', 'ms', bare.direct, []);
  await Promise.all([own, old, kubectl].map((forward) => forward.end()));
}

async function measureSetUp({ own, kubectl, row, name, target }) {
  const times = { own: [], kubectl: [] };
  // The first opens the session.
  for (const forward of [own, kubectl]) await echo(forward.port);
  for (let sample = 0; sample < samples; sample++) {
    for (const [who, { port }] of inTurns(sample, { own, kubectl })) times[who].push(await echo(port));
  }
  row(name, 'ms', times.own, times.kubectl, target);
  const nine = (figures) => [percentile(figures, 0.9)];
  row(`${name}, 9 of 10`, 'ms', nine(times.own), nine(times.kubectl));
}

function startPod(site, bench) {
  site.ownNamespace(namespace);
  site.kubectl(['create', 'namespace', namespace]);
  site.kubectl(['wait', '--for=create', '--timeout=30s', '-n', namespace, 'serviceaccount/default']);
  const container = {
    name: 'main',
    image: 'node:20-alpine',
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '-e', server],
    readinessProbe: { tcpSocket: { port: 8000 }, periodSeconds: 1 },
  };
  const spec = { terminationGracePeriodSeconds: 0, containers: [container] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'echo', namespace }, spec };
  const file = join(bench.scratch, 'echo.json');
  writeFileSync(file, JSON.stringify(pod));
  site.kubectl(['apply', '-f', file]);
  site.kubectl(['wait', '--for=condition=Ready', '--timeout=120s', '-n', namespace, 'pod/echo']);
}

async function openKubectl(bench, site) {
  const of = site.context ? ['--context', site.context] : [];
  const started = bench.start('kubectl', [...of, 'port-forward', '-n', namespace, 'pod/echo', ':8000'], {
    env: site.env,
  });
  const find = (lines) => lines.map((line) => /127\.0\.0\.1:(\d+)/.exec(line)?.[1])[0];
  const port = Number(await started.find('its port', find));
  return { port, pid: started.child.pid, end: () => started.end() };
}

async function openStormctl(bench, env) {
  const args = [resolve('bin/stormctl.js'), 'forward', '-n', namespace, 'pod/echo:auto:8000', '-o', 'json'];
  const started = bench.start(process.execPath, args, { cwd: bench.scratch, env });
  const find = (lines) => lines.find((line) => line.includes('"forward.listening"'));
  const { local } = JSON.parse(await started.find('its port', find));
  return { port: local, pid: started.child.pid, end: () => started.end('SIGINT') };
}

/** Who comes second finds the machine quieter: each is the first of every other pair. */
function inTurns(round, both) {
  const entries = Object.entries(both);
  return round % 2 === 0 ? entries : entries.reverse();
}

/** @returns the milliseconds that `task` says it took, and the CPU that a process used meanwhile. */
async function withCpu(pid, task) {
  const before = cpuMs(pid);
  return { ms: await task(), cpu: cpuMs(pid) - before };
}

/** @returns the milliseconds from connect to the first byte echoed. */
function echo(port) {
  return new Promise((settle, reject) => {
    const startedAt = performance.now();
    const client = connect({ port, host: '127.0.0.1', noDelay: true });
    client.on('connect', () => client.write('E\nx'));
    client.once('data', () => {
      client.destroy();
      settle(performance.now() - startedAt);
    });
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed before an answer')));
  });
}

/** The least that a connection of that kind can take here. @returns the milliseconds until the first byte echoed. */
function echoByWebSocket({ request }, server, credentials = {}) {
  return new Promise((settle, reject) => {
    const startedAt = performance.now();
    const upgrade = request(`${server}/api/v1/namespaces/${namespace}/pods/echo/portforward?ports=8000`, {
      ...credentials,
      headers: {
        ...credentials.headers,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': 13,
        'sec-websocket-key': randomBytes(16).toString('base64'),
        'sec-websocket-protocol': 'v4.channel.k8s.io',
      },
    });
    upgrade.on('upgrade', (_answer, socket) => {
      const said = Buffer.from('\0E\nx', 'latin1');
      // One binary message, with a mask of zeros (RFC 6455, 5.2).
      socket.write(Buffer.concat([Buffer.of(0x82, 0x80 + said.length, 0, 0, 0, 0), said]));
      socket.on('error', reject);
      socket.on('data', (data) => {
        // The first message of each channel says its port.
        if (!data.includes('x')) return;
        settle(performance.now() - startedAt);
        socket.destroy();
      });
    });
    upgrade.on('response', ({ statusCode }) => reject(new Error(`no WebSocket: ${statusCode}`)));
    upgrade.on('error', reject);
    upgrade.end();
  });
}

/** @returns the milliseconds until all of many connections have their byte. */
async function many(port) {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: atOnce }, () => echo(port)));
  const ms = performance.now() - startedAt;
  // What the runtime closes a second later is not to disturb what is measured next.
  await pause(1500, new AbortController().signal);
  return ms;
}

/** @returns the milliseconds until the last byte. */
function down(port, mebibytes) {
  return carried(port, (client, done) => {
    let left = mebibytes * mebibyte;
    client.write(`G ${mebibytes}\n`);
    client.on('data', (data) => {
      left -= data.length;
      if (left <= 0) done();
    });
  });
}

/** @returns the milliseconds until the pod says that it has all. */
function up(port, mebibytes) {
  return carried(port, (client, done) => {
    const block = Buffer.alloc(65536, 's');
    let left = (mebibytes * mebibyte) / block.length;
    client.write(`S ${mebibytes}\n`);
    const go = () => {
      while (left-- > 0) if (!client.write(block)) return void client.once('drain', go);
    };
    go();
    client.once('data', done);
  });
}

function carried(port, carry) {
  return new Promise((settle, reject) => {
    const client = connect({ port, host: '127.0.0.1' });
    const startedAt = performance.now();
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed before all had come')));
    carry(client, () => {
      settle(performance.now() - startedAt);
      client.destroy();
    });
  });
}

/** @returns a proxy which lets WebSockets of version 4 pass, and no other upgrade, and the kubeconfig that leads through it. */
async function refuseSpdy(bench, site) {
  const outfile = join(bench.scratch, 'upgrade-barrier.mjs');
  const entryPoints = ['test/support/upgrade-barrier.ts'];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20' });
  const { UpgradeBarrier } = await import(outfile);
  const view = site.kubectl(['config', 'view', '--minify', '--flatten', '--raw', '-o', 'json']);
  const file = join(bench.scratch, 'websockets-only');
  const barrier = await UpgradeBarrier.listen({ view, refuse: ['direct', 'tunnel'], file });
  bench.atEnd(() => barrier[Symbol.asyncDispose]());
  const { clusters } = JSON.parse(readFileSync(barrier.kubeconfig, 'utf8'));
  const { cluster } = JSON.parse(view).clusters[0];
  const { user } = JSON.parse(view).users[0];
  const credentials = {
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
    headers: user.token === undefined ? {} : { authorization: `Bearer ${user.token}` },
  };
  return { kubeconfig: barrier.kubeconfig, url: clusters[0].cluster.server, to: cluster.server, credentials };
}

function decoded(text) {
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}
