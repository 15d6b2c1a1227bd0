// npm run bench:deploy [-- --rounds N] [-- --only 5|50|500|5-mixed|50-mixed|500-mixed] [-- --json FILE]: whole processes
// that apply 5, 50 and 500 objects, first and with nothing changed, beside `kubectl apply --server-side` of the same
// objects in turns in the same run. What is measured, and how: bench/README.md.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { openFrame, ratioOf } from './frame.mjs';
import { percentile, round } from './measure.mjs';
import { must } from './site.mjs';

const sizes = [5, 50, 500];
const targets = {
  5: { unchanged: 'under 600 ms' },
  50: { first: 'at most 0.4', unchanged: 'at most 0.4' },
  500: { first: 'at most 0.3', unchanged: 'at most 0.4' },
};
/** What is applied: nothing that anybody waits for, and what a project has. */
const kinds = { ConfigMaps: makeConfigMap, mixed: makeMixed };
const stormctl = resolve('bin/stormctl.js');
const frame = openFrame('bench-deploy', { rounds: '5' });
const { bench, rounds } = frame;
await frame.run({
  ...Object.fromEntries(sizes.map((size) => [`${size}`, (site) => measure(site, size, 'ConfigMaps')])),
  ...Object.fromEntries(sizes.map((size) => [`${size}-mixed`, (site) => measure(site, size, 'mixed')])),
});

async function measure(site, size, kind) {
  const [own, byHand] = ['own', 'kubectl'].map((side) => makeProject(site, size, kind, side));
  const isAwaited = kind === 'mixed';
  const rendered = join(byHand.folder, 'rendered.yaml');
  writeFileSync(rendered, must(process.execPath, [stormctl, 'render'], { cwd: byHand.folder, env: site.env }));
  const of = site.context ? ['--context', site.context] : [];
  // Node.js reads the certificates that it names at every start, for nothing that is asked here.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = site.env;
  const run = async () => {
    const { ms, marked } = await time(process.execPath, [stormctl, 'run'], own.folder, env, /^applied /m);
    return { whole: ms, applied: marked, ready: ms };
  };
  const apply = async (isFirst) => {
    const { ms } = await time('kubectl', [...of, 'apply', '--server-side', '-f', rendered], byHand.folder, env);
    if (!isFirst || !isAwaited) return { whole: ms };
    const observed = '--for=jsonpath={.status.observedGeneration}=1';
    const namespace = ['--namespace', byHand.name, '--timeout=10m'];
    const waiting = [...of, 'wait', observed, 'deployment', '--all', ...namespace];
    return { whole: ms, applied: ms, ready: ms + (await time('kubectl', waiting, byHand.folder, env)).ms };
  };
  const figures = { first: [[], []], unchanged: [[], []] };
  for (let turn = 0; turn < rounds; turn++) {
    for (const figure of ['first', 'unchanged']) {
      const sides = [run, apply].map((measured, side) => async () => {
        figures[figure][side].push(await measured(figure === 'first'));
      });
      // Neither always has what the other has left in the server's caches.
      for (const side of turn % 2 === 0 ? sides : sides.toReversed()) await side();
      const [last, other] = figures[figure].map((all) => all.at(-1));
      console.error(
        `  round ${turn + 1}, ${size} ${kind}, ${figure}: ${words(last)}; kubectl ${words(other)}; load ${loadNow()}`,
      );
    }
    await time(process.execPath, [stormctl, 'delete'], own.folder, env);
    await time('kubectl', [...of, 'delete', '-f', rendered], byHand.folder, env);
  }
  const pick = (figure, part) => figures[figure].map((all) => all.map((one) => one[part]));
  const target = targets[size];
  row(`${size} ${kind}, first`, ...pick('first', 'whole'), isAwaited ? undefined : target.first);
  if (isAwaited) {
    row(`${size} ${kind}, first, to the last write`, ...pick('first', 'applied'));
    row(`${size} ${kind}, first, until ready`, ...pick('first', 'ready'), target.first);
  }
  row(`${size} ${kind}, no change`, ...pick('unchanged', 'whole'), target.unchanged);
}

function makeProject(site, size, kind, side) {
  const name = `t-bench-deploy-${kind.toLowerCase()}-${side}-${size}`;
  const folder = join(bench.scratch, name);
  mkdirSync(join(folder, 'manifests'), { recursive: true });
  site.ownNamespace(name);
  site.kubectl(['create', 'namespace', name]);
  const context = site.context ? `, context: ${site.context}` : '';
  const config = [
    'apiVersion: stormctl.dev/v1',
    `name: ${name}`,
    `cluster: { namespace: ${name}${context} }`,
    "deploy: [{ manifests: ['manifests/*.yaml'] }]",
  ];
  writeFileSync(join(folder, 'stormctl.yaml'), `${config.join('\n')}\n`);
  for (let index = 0; index < size; index++)
    writeFileSync(join(folder, 'manifests', `${index}.yaml`), JSON.stringify(kinds[kind](index, name)));
  return { folder, name };
}

function makeConfigMap(index, namespace) {
  const metadata = { name: `object-${index}`, namespace };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { index: `${index}`, text: 'value '.repeat(20) } };
}

/** Of ten objects six are ConfigMaps, two are Services and two are Deployments that run nothing. */
function makeMixed(index, namespace) {
  const name = `object-${index}`;
  const metadata = { name, namespace };
  const labels = { app: name };
  const turn = index % 10;
  if (turn === 3 || turn === 8) {
    const container = { name: 'app', image: 'example.invalid/app:1', env: [{ name: 'INDEX', value: `${index}` }] };
    const template = { metadata: { labels }, spec: { containers: [container] } };
    const spec = { replicas: 0, selector: { matchLabels: labels }, template };
    return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec };
  }
  if (turn === 4 || turn === 9)
    return { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port: 80 }] } };
  return makeConfigMap(index, namespace);
}

/** @returns the milliseconds from the start of a process to its end, and to what `mark` matches in what it prints. */
function time(command, args, cwd, env, mark) {
  return new Promise((settle, reject) => {
    const started = performance.now();
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    let marked;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk) => {
        printed += chunk;
        if (marked === undefined && mark?.test(printed)) marked = performance.now() - started;
      });
    const abort = () => child.kill('SIGINT');
    bench.signal.addEventListener('abort', abort);
    child.on('error', reject);
    child.on('close', (code) => {
      bench.signal.removeEventListener('abort', abort);
      const ms = performance.now() - started;
      if (code === 0) settle({ ms, marked });
      else reject(bench.signal.reason ?? new Error(`${command} ${args.join(' ')}: ${printed}`));
    });
  });
}

function words({ whole, applied, ready }) {
  const parts = Object.entries({ whole, applied, ready }).filter(([, ms]) => ms !== undefined);
  return parts.map(([part, ms]) => `${part} ${Math.round(ms)} ms`).join(', ');
}

function loadNow() {
  return Math.round(loadavg()[0] * 10) / 10;
}

function row(name, own, kubectl, target) {
  const [ownMedian, otherMedian] = [own, kubectl].map((figures) => round(percentile(figures, 0.5)));
  const fastest = round(Math.min(...own));
  const ratio = ratioOf(own, kubectl);
  frame.row(
    { name, rounds: own.length, stormctl: ownMedian, fastest, kubectl: otherMedian, ratio, target, load: loadNow() },
    `${ownMedian} ms (fastest ${fastest}), kubectl ${otherMedian} ms, ratio ${ratio}`,
  );
}
