// npm run soak [-- --minutes N]: one session (`stormctl dev`) over 50 pods that come, go and crash, with its logs and a forward
// in use. Prints its memory, its open files and what it told at intervals, and a verdict: flat, nothing missing, nothing twice.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { setUp } from '../scripts/set-up.mjs';
import { labKubeconfig, machine, memoryMb, openBench, pause, percentile, round } from './measure.mjs';
import { openSite } from './site.mjs';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '20' } } });
const endsAt = performance.now() + Number(values.minutes) * 60_000;
const namespace = 't-soak';
const sampleMs = 10_000;
/** What a container of `crash` prints before it exits. */
const linesOfCrash = 40;

setUp({ build: true });
const bench = openBench('soak');
const seen = { lines: 0, missing: 0, twice: 0, gaps: 0, failures: 0, answers: 0, refusals: 0 };
const samples = [];
/** Of each pod, the number that its next line has. */
const next = new Map();

try {
  const site = await openSite(bench, { kubeconfig: labKubeconfig() });
  const port = await freePort();
  const session = start(site, writeProject(site, port));
  await session.ready;
  const work = [churn(site), ask(port)];
  while (performance.now() < endsAt) {
    await pause(sampleMs, bench.signal);
    samples.push({ ...session.measure(), ...seen });
    console.log(
      Object.entries(samples.at(-1))
        .map(([key, value]) => `${key} ${value}`)
        .join('  '),
    );
  }
  await Promise.all(work);
  await session.end();
  judge();
} catch (error) {
  if (!bench.signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  await bench.close();
}

function writeProject(site, port) {
  const folder = join(bench.scratch, namespace);
  mkdirSync(folder);
  site.ownNamespace(namespace);
  const server = `let n = 0; setInterval(() => console.log('line ' + n++), 500); require('http').createServer((q, a) => a.end('ok')).listen(8080)`;
  const crash = `n=0; while [ $n -lt ${linesOfCrash} ]; do echo "line $n"; n=$((n+1)); sleep 0.2; done; exit 1`;
  const objects = [
    deployment('web', 3, 'node:20-alpine', ['node', '-e', server]),
    deployment('steady', 35, 'alpine', ['sh', '-c', 'n=0; while true; do echo "line $n"; n=$((n+1)); sleep 0.5; done']),
    deployment('crash', 12, 'alpine', ['sh', '-c', crash]),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 8080 }] },
    },
  ];
  writeFileSync(join(folder, 'objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const config = {
    apiVersion: 'stormctl.dev/v1',
    name: namespace,
    cluster: { namespace },
    deploy: [{ manifests: ['objects.json'] }],
    forward: [{ to: 'service/web', port: 8080, local: port }],
    logs: { history: false },
  };
  writeFileSync(join(folder, 'stormctl.yaml'), JSON.stringify(config));
  return folder;
}

function deployment(name, replicas, image, command) {
  const labels = { app: name };
  const container = { name: 'main', image, imagePullPolicy: 'IfNotPresent', command };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
}

function start(site, folder) {
  const args = [resolve('bin/stormctl.js'), 'dev', '-o', 'json', '--no-watch'];
  const child = spawn(process.execPath, args, { cwd: folder, env: site.env, stdio: ['ignore', 'pipe', 'inherit'] });
  bench.signal.addEventListener('abort', () => child.kill('SIGINT'), { once: true });
  const closed = new Promise((settle) => child.once('close', settle));
  // Pods that crash are never all ready: the session looks after them from the first apply on.
  const ready = new Promise((settle) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const report = JSON.parse(line);
      if (report.type === 'deploy.applied') settle();
      take(report);
    });
  });
  return {
    ready: Promise.race([ready, closed]),
    measure: () => ({ rssMb: round(memoryMb(child.pid, 'VmRSS')), files: readdirSync(`/proc/${child.pid}/fd`).length }),
    async end() {
      child.kill('SIGINT');
      await closed;
    },
  };
}

function take(report) {
  if (report.type === 'log.gap') seen.gaps++;
  if (report.type === 'failed') seen.failures++;
  if (report.type !== 'log') return;
  seen.lines++;
  const { pod, source, line } = report;
  const number = Number(/^line (\d+)$/.exec(line)?.[1]);
  const expected = next.get(pod) ?? 0;
  // A container of `crash` begins again at 0, once all its lines are told.
  const start = source === 'crash' && expected === linesOfCrash ? 0 : expected;
  if (number > start) seen.missing += number - start;
  if (number < start) seen.twice++;
  next.set(pod, number + 1);
}

/** Two pods go every two seconds, and others come in their place. */
async function churn(site) {
  while (performance.now() < endsAt) {
    const names = site
      .kubectl(['get', 'pods', '-n', namespace, '-l', 'app in (web, steady)', '-o', 'name'])
      .trim()
      .split('\n');
    for (const name of names.sort(() => Math.random() - 0.5).slice(0, 2))
      site.kubectl(['delete', '-n', namespace, name, '--wait=false', '--ignore-not-found']);
    await pause(2000, bench.signal);
  }
}

/** Asks through the forward, on a new connection each time. */
async function ask(port) {
  while (performance.now() < endsAt) {
    const headers = { connection: 'close' };
    await fetch(`http://127.0.0.1:${port}/`, { headers, signal: AbortSignal.timeout(40_000) }).then(
      (answer) => answer.text().then(() => seen.answers++),
      () => seen.refusals++,
    );
    await pause(200, bench.signal);
  }
}

function judge() {
  // The first fifth is the start.
  const steady = samples.slice(Math.ceil(samples.length / 5));
  const third = Math.max(1, Math.floor(steady.length / 3));
  const medianOf = (part, key) =>
    percentile(
      part.map((sample) => sample[key]),
      0.5,
    );
  const verdicts = [
    ...['rssMb', 'files'].map((key) => {
      const [before, after] = [steady.slice(0, third), steady.slice(-third)].map((part) => medianOf(part, key));
      return {
        what: `${key}: ${before} at first, ${after} at last`,
        isWell: after <= before * 1.15 + (key === 'files' ? 5 : 0),
      };
    }),
    {
      what: `${seen.lines} lines, ${seen.missing} missing, ${seen.twice} twice`,
      isWell: seen.missing + seen.twice === 0,
    },
    {
      what: `${seen.answers} answers through the forward, ${seen.refusals} refused`,
      isWell: seen.answers > seen.refusals,
    },
  ];
  console.log(`${machine()}, ${values.minutes} minutes`);
  for (const { what, isWell } of verdicts) console.log(`${isWell ? '✓' : '✗'} ${what}`);
  if (verdicts.some(({ isWell }) => !isWell)) process.exitCode = 1;
}

async function freePort() {
  const server = createServer();
  await new Promise((settle) => server.listen(0, '127.0.0.1', settle));
  const { port } = server.address();
  await new Promise((settle) => server.close(settle));
  return port;
}
