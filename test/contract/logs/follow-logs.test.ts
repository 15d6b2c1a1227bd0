import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../../src/events.ts';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { wait } from '../../../src/lib/wait.ts';
import { followLogs } from '../../../src/logs/follow-logs.ts';
import { readLogs } from '../../../src/logs/read-logs.ts';
import { Mask } from '../../../src/lib/mask.ts';
import { openPodView } from '../../../src/pods/pod-view.ts';
import { kubectl, lab, testNamespace } from '../../support/lab.ts';
import { eventually } from '../../support/outside.ts';
import { openCuttingProxy } from './cutting-proxy.ts';

const total = 5000;
/**
 * Prints in bursts for some five seconds, half of it to stderr, and ends without a newline; run twice. Each line begins with
 * the time at which its run began.
 */
const printer = `
let n = 0;
const run = Date.now();
const tick = setInterval(() => {
  for (let i = 0; i < 5 && n < ${total}; i++, n++) (i % 2 ? process.stdout : process.stderr).write(run + ' line ' + n + '\\n');
  if (n < ${total}) return;
  clearInterval(tick);
  process.stdout.write(run + ' the end', () => process.exit(1));
}, 5)`;

function pod(name: string, more: Record<string, unknown>): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { 'stormctl.dev/project': 't-logs' } },
    spec: { terminationGracePeriodSeconds: 0, ...more },
  });
}

function container(name: string, command: readonly string[], image = 'alpine') {
  return { name, image, imagePullPolicy: 'IfNotPresent', command };
}

/** The lab's kubeconfig with the server behind `port` of this machine. */
async function kubeconfigThrough(port: number, folder: string): Promise<string> {
  const text = await kubectl(['config', 'view', '--raw', '--flatten']);
  const file = join(folder, 'kubeconfig');
  await writeFile(file, text.replace(/(server: https:\/\/127\.0\.0\.1:)\d+/, `$1${port}`));
  return file;
}

test('every line of every container is told once, in order, through cut connections and restarts', {
  skip: lab.skip,
  timeout: 180_000,
}, async () => {
  await using namespace = await testNamespace('t-logs');
  await using scope = new Scope();
  const folder = scope.own(await mkdtemp(join(tmpdir(), 'stormctl-logs-')), (path) => rm(path, { recursive: true }));
  const server = (await kubectl(['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}'])).trim();
  const { hostname, port } = new URL(server);
  const proxy = scope.own(await openCuttingProxy(hostname, Number(port)));
  const kubeconfig = await kubeconfigThrough(proxy.port, folder);
  const kube = scope.own(await connectCluster({ kubeconfig, env: process.env, context: lab.context }));
  const { signal } = scope;
  const namespaces = [namespace.name];
  const view = scope.own(openPodView({ kube, namespaces, labelSelector: 'stormctl.dev/project=t-logs', signal }));

  const lines = new Map<string, string[]>();
  const others: Report[] = [];
  let cuts = 0;
  const done = new Promise<void>((resolve, reject) => {
    const report = (each: Report) => {
      if (each.type !== 'log') {
        others.push(each);
        return;
      }
      const key = `${each.source}/${each.container}`;
      lines.set(key, [...(lines.get(key) ?? []), each.line]);
      const ends = lines.get('printer/main')?.filter((line) => line.endsWith(' the end')).length ?? 0;
      const isWhole = (lines.get('printer/main')?.length ?? 0) >= 2 * (total + 1);
      const isOver = ends >= 2 && isWhole && (lines.get('quick/main')?.includes('bye') ?? false);
      if (isOver) resolve();
    };
    const sourceOf = (each: { readonly name: string }) => each.name;
    scope.run(
      (signal) =>
        followLogs({
          kube,
          view,
          sourceOf,
          start: 'all',
          exclude: [],
          mask: new Mask(),
          report,
          drained: () => undefined,
          signal,
        }),
      reject,
    );
  });
  scope.run(async (signal) => {
    for (;;) {
      await wait(150 + Math.random() * 500, signal);
      cuts += proxy.cut();
    }
  }, assert.ifError);

  const inits = [container('prepare', ['sh', '-c', 'echo prepared'])];
  const node = container('main', ['node', '-e', printer], 'node:20-alpine');
  await kubectl(
    ['apply', '-n', namespace.name, '-f', '-'],
    pod('printer', { restartPolicy: 'OnFailure', initContainers: inits, containers: [node] }),
  );
  const quick = container('main', ['sh', '-c', 'echo hello; printf bye']);
  await kubectl(
    ['apply', '-n', namespace.name, '-f', '-'],
    pod('quick', { restartPolicy: 'Never', containers: [quick] }),
  );
  await done;

  const statusOf = 'jsonpath={.status.containerStatuses[0]}';
  const status = await kubectl(['get', 'pod', '-n', namespace.name, 'printer', '-o', statusOf]);
  const { restartCount } = JSON.parse(status) as { readonly restartCount: number };
  const runs = byRun(lines.get('printer/main') ?? []);
  assert.equal(
    new Set(runs.map(({ run }) => run)).size,
    runs.length,
    'lines of one run stand between those of another',
  );
  for (const { run, texts } of runs) {
    // Which of stdout and stderr the runtime reads first is not ours: what the node has now says the order.
    const sorted = texts.toSorted((a, b) => numberOf(a) - numberOf(b));
    assert.deepEqual(sorted, onePass.slice(0, texts.length), `the run of ${run}; ${status}`);
  }
  const cutShort = runs.filter(({ texts }) => texts.length < onePass.length);
  // A node with no time left ends a run, or fails to start one, by itself.
  const otherRuns = Math.max(0, restartCount - 1);
  assert.ok(cutShort.length <= otherRuns, `${cutShort.length} runs were not told to their ends; ${status}`);
  const previous = await kubectl(['logs', '-n', namespace.name, 'printer', '-c', 'main', '--previous']).catch(() => '');
  if (previous.endsWith(' the end'))
    assert.ok(
      runs.some(({ run, texts }) => texts.map((text) => `${run} ${text}`).join('\n') === previous),
      'not in the order in which the node has them',
    );
  assert.deepEqual(lines.get('printer/prepare'), ['prepared']);
  assert.deepEqual(lines.get('quick/main'), ['hello', 'bye']);
  assert.ok(cuts > 5, `only ${cuts} connections were cut`);
  assert.ok(
    others.some(({ type }) => type === 'log.recovered'),
    'no cut was told of',
  );
  const unexpected = others.filter(({ type }) => type !== 'log.recovered' && !(type === 'log.gap' && otherRuns > 0));
  assert.deepEqual(unexpected, [], status);
});

test('logs that were printed are read and merged without following', { skip: lab.skip, timeout: 120_000 }, async () => {
  await using namespace = await testNamespace('t-logs-read');
  await using scope = new Scope();
  const { signal } = scope;
  const env = { ...process.env, KUBECONFIG: lab.kubeconfig };
  const kube = scope.own(await connectCluster({ env, context: lab.context }));
  for (const name of ['a', 'b']) {
    const script = container('main', ['sh', '-c', `for i in 1 2 3; do echo ${name}$i; done; sleep 1000`]);
    await kubectl(['apply', '-n', namespace.name, '-f', '-'], pod(name, { containers: [script] }));
  }
  const namespaces = [namespace.name];
  const view = scope.own(openPodView({ kube, namespaces, labelSelector: 'stormctl.dev/project=t-logs', signal }));
  await view.until((pods) => pods.length === 2 && pods.every(({ ready }) => ready), signal);
  // They are ready as soon as they run.
  for (const name of ['a', 'b'])
    await eventually(
      `the last line of ${name}`,
      () => kubectl(['logs', '-n', namespace.name, name]),
      (text) => text.includes(`${name}3`),
    );
  const stamps: string[] = [];
  const lines: string[] = [];
  const report = (each: Report) => {
    if (each.type !== 'log') return;
    stamps.push(each.stamp);
    lines.push(each.line);
  };
  await readLogs({
    kube,
    view,
    sourceOf: ({ name }) => name,
    limits: { tailLines: 2 },
    previous: false,
    exclude: [],
    mask: new Mask(),
    report,
    drained: () => undefined,
    signal,
  });
  assert.deepEqual(lines.toSorted(), ['a2', 'a3', 'b2', 'b3']);
  assert.deepEqual(stamps, stamps.toSorted());
});

const onePass = [...Array.from({ length: total }, (_, n) => `line ${n}`), 'the end'];

function numberOf(text: string): number {
  return text === 'the end' ? total : Number(text.slice('line '.length));
}

/** Neighbouring lines of one run together. */
function byRun(lines: readonly string[]) {
  const runs: { readonly run: string; readonly texts: string[] }[] = [];
  for (const line of lines) {
    const [run = ''] = line.split(' ');
    const last = runs.at(-1);
    const text = line.slice(run.length + 1);
    if (last?.run === run) last.texts.push(text);
    else runs.push({ run, texts: [text] });
  }
  return runs;
}
