// npm run bench:watch [-- --saves N] [-- --idle SECONDS] [-- --no-dev] [-- --json FILE]: how soon a big tree is watched, what
// that costs, and how soon a save and a branch switch are a batch. The watch runs alone in a process (bench/watch-child.ts);
// then, where there is a cluster, the whole `dev` runs on the same trees. The trees are made in a scratch folder.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { setUp } from '../scripts/set-up.mjs';
import { printRows, untilInterrupted } from './frame.mjs';
import { cpuPercent, labKubeconfig, machine, memoryMb, openBench, pause, percentile, round } from './measure.mjs';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    saves: { type: 'string', default: '50' },
    idle: { type: 'string', default: '30' },
    dev: { type: 'boolean', default: true },
    json: { type: 'string' },
  },
});
setUp({ build: values.dev });
const bench = openBench('bench-watch');
const { scratch, signal } = bench;
const bundle = join(scratch, 'watch-child.mjs');
const saves = Number(values.saves);
const idleSeconds = Number(values.idle);
const kubeconfig = values.dev ? labKubeconfig() : undefined;
const env = { ...process.env, NO_COLOR: '1', ...(kubeconfig ? { KUBECONFIG: kubeconfig } : {}) };
const rows = [];
const ignoreLines = [
  'node_modules',
  '.git',
  '**/*.log',
  'dist',
  'coverage',
  '.env*',
  '**/*.test.ts',
  '*.md',
  '!README.md',
  '.idea',
];

await untilInterrupted(bench, async () => {
  await bundleChild();
  const ignored = makeTree('bench-ignored', { watched: 2000, ignored: 18_000 });
  const watched = makeTree('bench-watched', { watched: 20_000, ignored: 0 });
  await measureWatch('20,000 files, 18,000 ignored', ignored, 500, 150);
  await measureWatch('20,000 files watched', watched, 2000, 220);
  await measureSaves(watched);
  await measureSwitch(watched);
  if (kubeconfig) {
    await measureDev('20,000 files, 18,000 ignored', ignored, 150);
    await measureDev('20,000 files watched', watched, 220);
  } else console.log('no cluster: the whole session is not measured');
  console.log(`${machine()}; medians, and their ratio to what they should be at most`);
  printRows(rows, values.json);
});

async function bundleChild() {
  await build({
    entryPoints: ['bench/watch-child.ts'],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    logLevel: 'warning',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
}

/** examples/hello with thousands of small files more, 20 in a folder: some in src/, which is synced, some in node_modules/. */
function makeTree(name, counts) {
  const folder = join(scratch, name);
  cpSync('examples/hello', folder, { recursive: true });
  const config = readFileSync(join(folder, 'stormctl.yaml'), 'utf8')
    .replace('name: hello', `name: ${name}`)
    .replace('namespace: hello', `namespace: ${name}`)
    .replace('local: 8081', 'local: auto');
  writeFileSync(join(folder, 'stormctl.yaml'), config);
  writeFileSync(join(folder, '.dockerignore'), `${ignoreLines.join('\n')}\n`);
  const anHourAgo = Date.now() / 1000 - 3600;
  const fill = (below, count) => {
    for (let file = 0; file < count; file++) {
      const at = join(folder, below, `p${Math.floor(file / 200)}`, `d${Math.floor(file / 20) % 10}`);
      if (file % 20 === 0) mkdirSync(at, { recursive: true });
      const path = join(at, `f${file}.js`);
      writeFileSync(path, `export const number${file} = ${file};\n`);
      utimesSync(path, anHourAgo, anHourAgo);
    }
  };
  fill('src', counts.watched);
  fill('node_modules', counts.ignored);
  return folder;
}

async function measureWatch(tree, folder, readyTarget, memoryTarget) {
  const starts = [];
  for (let start = 0; start < 5; start++) {
    const child = startWatch(folder);
    starts.push(await ready(child));
    await child.end();
  }
  const all = (field) => starts.map((start) => start[field]);
  row(`${tree}: ready to watch`, 'ms', all('readyMs'), readyTarget);
  row(`${tree}: CPU until ready`, 'ms', all('cpuMs'));
  row(`${tree}: memory of the watch alone`, 'MB', all('rssMb'), memoryTarget);
}

function startWatch(folder) {
  return bench.start(process.execPath, [bundle], { cwd: folder, env });
}

function ready(child) {
  return child.find('ready', (lines) => lines.map(parse).find(({ readyMs }) => readyMs !== undefined));
}

/** One save at a time, as a person saves: each long after the batch of the one before. */
async function measureSaves(folder) {
  const child = startWatch(folder);
  await ready(child);
  row('idle watch', '% CPU', [await cpuPercent(child.child.pid, idleSeconds, signal)], 1);
  const path = join(folder, 'src/p7/d7/f1540.js');
  const times = [];
  for (let save = 0; save < saves; save++) {
    const from = child.lines.length;
    const savedAt = performance.timeOrigin + performance.now();
    writeFileSync(path, `export const save = ${save};\n`);
    const { at } = await nextBatch(child, from);
    times.push(at - savedAt);
    await pause(30, signal);
  }
  await child.end();
  row('a lone save: to its batch', 'ms', times, 20);
}

/** `git checkout` of a branch that differs in 5,000 files: all of them in one batch, once git has let go of its lock. */
async function measureSwitch(folder) {
  const git = (...args) => {
    const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0'];
    const { status, stderr } = spawnSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  };
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-qm', 'main');
  git('checkout', '-qb', 'other');
  for (let file = 0; file < 5000; file++) {
    const at = join(folder, 'src', `p${Math.floor(file / 200)}`, `d${Math.floor(file / 20) % 10}`, `f${file}.js`);
    writeFileSync(at, `export const other${file} = ${file};\n`);
  }
  git('commit', '-qam', 'other');
  git('checkout', '-q', 'main');
  const child = startWatch(folder);
  await ready(child);
  const times = [];
  const batches = [];
  for (const branch of ['other', 'main', 'other', 'main', 'other']) {
    const from = child.lines.length;
    git('checkout', '-q', branch);
    const switchedAt = performance.timeOrigin + performance.now();
    const batch = await child.find('the branch', (lines) => allOf(lines.map(parse), 5000), from);
    times.push(batch.at - switchedAt);
    batches.push(batch.batches);
    await pause(400, signal);
  }
  await child.end();
  row('branch switch, 5,000 files: end of git to the batch', 'ms', times);
  row('branch switch, 5,000 files: batches', '', batches, 1);
}

function allOf(batches, wanted) {
  let changed = 0;
  for (const [index, batch] of batches.entries()) {
    changed += batch.changed;
    if (changed >= wanted) return { at: batch.at, batches: index + 1 };
  }
  return undefined;
}

function nextBatch(child, from) {
  return child.find('a batch', (lines) => lines.map(parse).find(({ at }) => at !== undefined), from);
}

async function measureDev(tree, folder, memoryTarget) {
  const namespace = readFileSync(join(folder, 'stormctl.yaml'), 'utf8').match(/namespace: (\S+)/)?.[1];
  bench.atEnd(() => void spawnSync('kubectl', ['delete', 'namespace', namespace, '--ignore-not-found'], { env }));
  const dev = bench.start(process.execPath, [resolve('bin/stormctl.js'), 'dev', '-o', 'json'], { cwd: folder, env });
  await dev.find('ready', (lines) => lines.find((line) => line.includes('"type":"session.ready"')));
  const { pid } = dev.child;
  const idle = await cpuPercent(pid, idleSeconds, signal);
  row(`${tree}: dev, idle`, '% CPU', [idle], 1);
  row(`${tree}: dev, memory when idle`, 'MB', [memoryMb(pid, 'VmRSS')], memoryTarget);
  row(`${tree}: dev, peak memory`, 'MB', [memoryMb(pid, 'VmHWM')], memoryTarget);
  await dev.end('SIGINT');
}

function row(name, unit, measured, target) {
  const median = percentile(measured, 0.5);
  rows.push({
    name,
    unit,
    runs: measured.length,
    median: round(median),
    p95: round(percentile(measured, 0.95)),
    target,
    ratio: target === undefined ? undefined : Math.round((median / target) * 100) / 100,
  });
}

function parse(line) {
  return JSON.parse(line);
}
