// npm run bench [-- --rounds N] [-- --json FILE]: the loop of a small service (examples/hello, whose answer reads a file at each
// request) by stormctl and by hand, in turns in one run. By hand means `docker build`, `docker push`, `kubectl apply
// --server-side` and `kubectl exec … tar`. Both are seen through one `kubectl proxy`, so that looking costs them the same.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { setUp } from '../scripts/set-up.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' }, json: { type: 'string' } } });
const rounds = Number(values.rounds);
setUp({ build: true });
const env = { ...process.env, NO_COLOR: '1', KUBECONFIG: process.env.KUBECONFIG ?? labKubeconfig() };
const scratch = mkdtempSync(join(tmpdir(), 'stormctl-bench-'));
const registry = 'localhost:5000';
const running = new Set();
/** A tag is never used twice: a node that has it would not pull it again. */
let tag = 0;

try {
  const proxy = await startProxy();
  const results = [...(await measureStartAndSync(proxy)), await measureRebuild(proxy)];
  print(results);
} finally {
  for (const child of running) child.kill('SIGKILL');
  for (const name of ['bench-sync', 'bench-rebuild', 'bench-hand'])
    kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=true']);
  rmSync(scratch, { recursive: true, force: true });
}

async function measureStartAndSync(proxy) {
  const tool = project('bench-sync');
  const hand = byHand('bench-hand');
  hand.start('warm the build cache for both');
  kubectl(['delete', 'namespace', hand.namespace, '--wait=true']);

  const start = { name: 'start to first served', unit: 'ms', stormctl: [], byHand: [] };
  const startedAt = performance.now();
  const dev = await startDev(tool);
  start.stormctl.push(await served(proxy, tool.namespace, 'hello, storm', startedAt));
  await dev.line(/"type":"session.ready"/);
  const handStartedAt = performance.now();
  hand.start('hello, storm');
  start.byHand.push(await served(proxy, hand.namespace, 'hello, storm', handStartedAt));

  const sync = { name: 'save to served by sync', unit: 'ms', stormctl: [], byHand: [] };
  for (let round = 0; round < rounds; round++) {
    const text = `sync ${round} ${Date.now()}`;
    const toolSavedAt = performance.now();
    tool.write('src/greeting.txt', text);
    sync.stormctl.push(await served(proxy, tool.namespace, text, toolSavedAt));
    const handSavedAt = performance.now();
    hand.write('src/greeting.txt', text);
    hand.sync('src/greeting.txt');
    sync.byHand.push(await served(proxy, hand.namespace, text, handSavedAt));
  }
  const memory = { name: 'peak memory of dev', unit: 'MB', stormctl: [peakMemory(dev.child.pid)], byHand: [] };
  await dev.end();
  return [start, sync, memory];
}

async function measureRebuild(proxy) {
  const tool = project('bench-rebuild');
  tool.write('stormctl.yaml', tool.read('stormctl.yaml').replace(/ {4}sync:\n.*\n/, ''));
  const hand = byHand('bench-hand');
  const dev = await startDev(tool);
  await dev.line(/"type":"session.ready"/);
  const rebuild = { name: 'save to served by rebuild', unit: 'ms', stormctl: [], byHand: [] };
  for (let round = 0; round < rounds; round++) {
    const text = `rebuild ${round} ${Date.now()}`;
    const toolSavedAt = performance.now();
    tool.write('src/greeting.txt', text);
    rebuild.stormctl.push(await served(proxy, tool.namespace, text, toolSavedAt));
    await dev.line(/"type":"loop.rebuilt"/, round + 1);
    const handSavedAt = performance.now();
    hand.write('src/greeting.txt', text);
    hand.start(text);
    rebuild.byHand.push(await served(proxy, hand.namespace, text, handSavedAt));
  }
  await dev.end();
  return rebuild;
}

function project(name) {
  const folder = join(scratch, name);
  cpSync('examples/hello', folder, { recursive: true });
  const files = {
    namespace: name,
    folder,
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    write: (path, text) => writeFileSync(join(folder, path), text),
  };
  const config = files.read('stormctl.yaml');
  files.write(
    'stormctl.yaml',
    config
      .replace('name: hello', `name: ${name}`)
      .replace('namespace: hello', `namespace: ${name}`)
      .replace('local: 8081', 'local: auto'),
  );
  return files;
}

/** The same project as somebody without stormctl runs it. */
function byHand(name) {
  const files = project(name);
  return {
    ...files,
    start(text) {
      if (text) files.write('src/greeting.txt', text);
      const image = `${registry}/hello-by-hand:${process.pid}-${++tag}`;
      must('docker', ['build', '-q', '-t', image, files.folder]);
      must('docker', ['push', '-q', image]);
      const objects = files.read('k8s/hello.yaml').replace('image: hello\n', `image: ${image}\n`);
      kubectl(['create', 'namespace', name, '--dry-run=client', '-o', 'yaml'], undefined, (yaml) =>
        kubectl(['apply', '--server-side', '-f', '-'], yaml),
      );
      must('kubectl', ['apply', '--server-side', '-n', name, '-f', '-'], objects);
    },
    sync(path) {
      const pod = must('kubectl', ['get', 'pod', '-n', name, '-l', 'app=hello', '-o', 'name']).trim().split('\n')[0];
      const tar = spawnSync('tar', ['cf', '-', path], { cwd: files.folder });
      must('kubectl', ['exec', '-i', '-n', name, pod, '--', 'tar', 'xf', '-', '-C', '/app'], tar.stdout);
    },
  };
}

async function startDev({ folder }) {
  const child = spawn(process.execPath, [resolve('bin/stormctl.js'), 'dev', '-o', 'json'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  const ended = new Promise((settle) => child.on('close', settle));
  const lines = [];
  const watchers = new Set();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of watchers) look();
  });
  return {
    child,
    line: (pattern, nth = 1) =>
      new Promise((settle, reject) => {
        const look = () => {
          if (lines.filter((line) => pattern.test(line)).length < nth) return;
          watchers.delete(look);
          settle();
        };
        watchers.add(look);
        void ended.then(() => reject(new Error(`dev ended before ${pattern}\n${lines.slice(-20).join('\n')}`)));
        look();
      }),
    end: async () => {
      child.kill('SIGINT');
      await ended;
      running.delete(child);
    },
  };
}

/** Asks again without a pause until the text is served. @returns the milliseconds since `since`. */
async function served(proxy, namespace, text, since) {
  const url = `${proxy}/api/v1/namespaces/${namespace}/services/hello:http/proxy/`;
  while (performance.now() - since < 120_000) {
    const body = await fetch(url).then(
      (response) => (response.ok ? response.text() : ''),
      () => '',
    );
    if (body.startsWith(text)) return performance.now() - since;
    // An endpoint that is not there yet answers at once, and asking must not starve what is measured.
    if (body === '') await new Promise((settle) => setTimeout(settle, 5));
  }
  throw new Error(`${namespace} does not serve ${text}`);
}

async function startProxy() {
  const child = spawn('kubectl', ['proxy', '--port=0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const match = /127\.0\.0\.1:\d+/.exec(line);
    if (match) return `http://${match[0]}`;
  }
  throw new Error('kubectl proxy did not start');
}

function kubectl(args, input, then) {
  const { stdout, status } = spawnSync('kubectl', args, { env, input, encoding: 'utf8' });
  if (then && status === 0) then(stdout);
}

function must(command, args, input) {
  const { status, stdout, stderr } = spawnSync(command, args, { env, input });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout.toString('utf8');
}

function peakMemory(pid) {
  const match = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) / 1024;
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function print(results) {
  const rows = results.map(({ name, unit, stormctl, byHand: other }) => ({
    name,
    unit,
    runs: stormctl.length,
    stormctl: round(median(stormctl)),
    worst: round(Math.max(...stormctl)),
    byHand: other.length > 0 ? round(median(other)) : undefined,
    ratio: other.length > 0 ? Math.round((median(stormctl) / median(other)) * 100) / 100 : undefined,
  }));
  console.log(`${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}; medians`);
  console.table(Object.fromEntries(rows.map(({ name, ...row }) => [name, row])));
  const json = JSON.stringify({ node: process.version, cores: cpus().length, rows });
  if (values.json) writeFileSync(values.json, `${json}\n`);
  else console.log(json);
}

function round(number) {
  return Math.round(number * 10) / 10;
}

function labKubeconfig() {
  if (!existsSync('test/lab/lab')) return undefined;
  const { stdout } = spawnSync('test/lab/lab', ['status'], { encoding: 'utf8' });
  return /^export KUBECONFIG=(.+)$/m.exec(stdout)?.[1];
}
