import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { memoryMb, pause } from '../measure.mjs';
import { must } from '../site.mjs';

const namespace = 't-bench-logs';
const floodPods = 4;
const linesOfPod = 50_000;
const manyPods = 50;

/**
 * Log lines a second, and the CPU they cost, of pods that have printed all they will: each reader starts anew, reads all
 * from the first line on, and is stopped at the last. Then the time until each of many containers has shown a line.
 */
export async function measureLogs({ bench, site, rounds, row }) {
  const flood = `BEGIN { for (n = 0; n < ${linesOfPod}; n++) printf "line %d of a service that says what it does, some %d bytes\\n", n, n + 100 }`;
  const folder = project(bench, site, [
    deployment('flood', floodPods, `awk '${flood}'; sleep 100000`),
    deployment('many', manyPods, 'while true; do echo tick; sleep 0.5; done'),
  ]);
  await untilPrinted(bench, site);
  await measureFlood({ bench, site, folder, rounds, row });
  await measureFirstLines({ bench, site, folder, rounds, row });
}

async function measureFlood({ bench, site, folder, rounds, row }) {
  const own = [];
  const kubectl = [];
  for (let round = 0; round < rounds; round++) {
    own.push(await readFlood(bench, stormctl(site, folder, ['logs', 'flood', '--tail', '-1'])));
    kubectl.push(await readFlood(bench, kubectlLogs(site, 'flood', ['--tail=-1'])));
  }
  const all = (runs, key) => runs.map((run) => run[key]);
  row('log lines a second', 'lines/s', all(own, 'rate'), all(kubectl, 'rate'), 'at least 1.0');
  row('until the first of them', 'ms', all(own, 'firstMs'), all(kubectl, 'firstMs'));
  row('until the last of them', 'ms', all(own, 'allMs'), all(kubectl, 'allMs'));
  row('CPU of those lines', 'ms', all(own, 'cpuMs'), all(kubectl, 'cpuMs'), 'at most 1.5');
  row('lines missing', 'lines', all(own, 'missing'), all(kubectl, 'missing'), '0 lines');
  row('lines twice', 'lines', all(own, 'twice'), all(kubectl, 'twice'), '0 lines');
  row('peak memory', 'MB', all(own, 'peakMb'), all(kubectl, 'peakMb'));
}

async function measureFirstLines({ bench, site, folder, rounds, row }) {
  const own = [];
  const kubectl = [];
  for (let round = 0; round < rounds; round++) {
    own.push(
      await readFirstLines(
        bench,
        stormctl(site, folder, ['logs', 'many', '--tail', '1', '--template', '{{pod}} {{line}}']),
      ),
    );
    kubectl.push(await readFirstLines(bench, kubectlLogs(site, 'many', ['--tail=1'])));
  }
  row(`first line of ${manyPods} containers`, 'ms', own, kubectl);
}

/** A project whose pods print, brought up by stormctl; it goes when the bench ends. */
function project(bench, site, objects) {
  const folder = join(bench.scratch, namespace);
  mkdirSync(folder);
  site.ownNamespace(namespace);
  const config = {
    apiVersion: 'stormctl.dev/v1',
    name: namespace,
    cluster: { namespace },
    deploy: [{ manifests: ['*.json'] }],
  };
  writeFileSync(join(folder, 'stormctl.yaml'), JSON.stringify(config));
  for (const object of objects) writeFileSync(join(folder, `${object.metadata.name}.json`), JSON.stringify(object));
  must(process.execPath, [resolve('bin/stormctl.js'), 'run', '--timeout', '5m'], { cwd: folder, env: site.env });
  return folder;
}

function deployment(name, replicas, script) {
  const labels = { app: name };
  const container = { name: 'main', image: 'alpine', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script] };
  const pod = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } };
  const spec = { replicas, selector: { matchLabels: labels }, template: pod };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
}

async function untilPrinted(bench, site) {
  const names = site.kubectl(['get', 'pods', '-n', namespace, '-l', 'app=flood', '-o', 'name']).trim().split('\n');
  for (const name of names)
    while (!site.kubectl(['logs', '-n', namespace, name, '--tail=1']).startsWith(`line ${linesOfPod - 1} `))
      await pause(200, bench.signal);
}

function stormctl(site, folder, args) {
  const { NO_COLOR: _, ...rest } = site.env;
  const env = { ...rest, FORCE_COLOR: '1' };
  return [process.execPath, [resolve('bin/stormctl.js'), ...args], { cwd: folder, env }];
}

function kubectlLogs(site, app, args) {
  const of = site.context ? ['--context', site.context] : [];
  const what = ['logs', '-f', '--prefix', '-n', namespace, '-l', `app=${app}`, `--max-log-requests=${manyPods}`];
  return ['kubectl', [...of, ...what, ...args], { env: site.env }];
}

/** Runs a reader until every line has come; those that come twice are looked for a moment longer. */
async function readFlood(bench, command) {
  const chunks = [];
  let lines = 0;
  let first;
  const startedAt = performance.now();
  const running = reader(bench, command);
  const { child } = running;
  const lastAt = await new Promise((settle, reject) => {
    child.once('close', () => reject(new Error(`${command[0]} ended before all lines had come`)));
    child.stdout.on('data', (chunk) => {
      chunks.push(chunk);
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
      first ??= { at: performance.now(), lines };
      if (lines >= floodPods * linesOfPod) settle(performance.now());
    });
  });
  const cpuMs = cpuMsOf(child.pid);
  const peakMb = memoryMb(child.pid, 'VmHWM');
  await pause(300, bench.signal);
  await running.stop();
  return {
    rate: (floodPods * linesOfPod - first.lines) / ((lastAt - first.at) / 1000),
    firstMs: first.at - startedAt,
    allMs: lastAt - startedAt,
    cpuMs,
    peakMb,
    ...compare(chunks),
  };
}

/** @returns how many of the lines that were printed are not there, and how many are there too often. */
function compare(chunks) {
  const seen = new Uint16Array(linesOfPod);
  for (const [, number] of Buffer.concat(chunks)
    .toString('latin1')
    .matchAll(/line (\d+) of a service/g))
    seen[number]++;
  let missing = 0;
  let twice = 0;
  for (const times of seen) {
    missing += Math.max(0, floodPods - times);
    twice += Math.max(0, times - floodPods);
  }
  return { missing, twice };
}

/** @returns the milliseconds from the start of a reader until each container has shown a line. */
async function readFirstLines(bench, command) {
  const startedAt = performance.now();
  const running = reader(bench, command);
  const { child } = running;
  let lines = 0;
  const sources = new Set();
  await new Promise((settle, reject) => {
    child.once('close', () => reject(new Error(`${command[0]} ended before each container had shown a line`)));
    let rest = '';
    child.stdout.on('data', (chunk) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop();
      for (const line of parts) {
        lines++;
        sources.add(/many-[a-z0-9]+-[a-z0-9]+/.exec(line)?.[0]);
      }
      if (sources.size > manyPods) reject(new Error('a name that is no pod’s'));
      if (sources.size === manyPods) settle();
    });
  });
  const ms = performance.now() - startedAt;
  await running.stop();
  if (lines < manyPods) throw new Error('fewer lines than containers');
  return ms;
}

function reader(bench, [command, args, options]) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  const closed = new Promise((settle) => child.once('close', settle));
  const abort = () => child.kill('SIGKILL');
  bench.signal.addEventListener('abort', abort, { once: true });
  return {
    child,
    async stop() {
      bench.signal.removeEventListener('abort', abort);
      child.removeAllListeners('close');
      const ended = child.exitCode === null ? new Promise((settle) => child.once('close', settle)) : closed;
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function cpuMsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);
  return ((Number(fields[11]) + Number(fields[12])) / ticks) * 1000;
}
