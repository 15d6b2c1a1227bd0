import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { after, before, type TestContext, test } from 'node:test';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import type { Kube } from '../../../src/kube/kube.ts';
import { Scope } from '../../../src/lib/scope.ts';
import type { SyncTarget } from '../../../src/sync/sync-target.ts';
import { type SyncFile, Syncer } from '../../../src/sync/syncer.ts';
import { kubectl, lab, testNamespace } from '../../support/lab.ts';
import { ScratchTree } from '../../unit/sync/container-folder.ts';
import { startPod, targetOf, untilPod } from './pods.ts';

const namespace = 't-sync';
const root = '/app/src';
const nodeImage = 'node:20-alpine';
const idle = ['node', '-e', 'process.on("SIGTERM", () => process.exit(1)); setInterval(() => {}, 1e9)'];
/** Prints every file below a folder with its hash, as {@link hashes} has it. */
const hashProgram = `
const fs = require('fs'), path = require('path'), found = {};
const walk = (folder) => { for (const e of fs.readdirSync(folder, { withFileTypes: true })) {
  const p = path.join(folder, e.name);
  if (e.isDirectory()) walk(p);
  else found[path.relative('${root}', p)] = require('crypto').createHash('sha256').update(fs.readFileSync(p)).digest('hex');
} };
walk('${root}');
console.log(JSON.stringify(found));`;

const scope = new Scope();
let kube: Kube;

before(async () => {
  if (lab.skip !== false) return;
  scope.own(await testNamespace(namespace));
  kube = scope.own(await connectCluster({ kubeconfig: lab.kubeconfig, context: lab.context, env: process.env }));
});
after(() => scope[Symbol.asyncDispose]());

const it = (name: string, run: (t: TestContext) => Promise<void>) =>
  void test(name, { skip: lab.skip, timeout: 180_000 }, run);

it('1 and 300 files reach a pod, and the container that takes its place after a crash has them all', async (t) => {
  const { signal } = t;
  using tree = new ScratchTree();
  const first = await start('node', { image: nodeImage, command: idle });
  await using syncer = new Syncer(kube);
  assert.equal((await syncer.prepare('web', [first], signal)).kind, 'synced');

  const one = [file(tree, 'ü ber/one.ts', 'one')];
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    tree.write('ü ber/one.ts', `one ${i}`);
    const outcome = await syncer.sync({ service: 'web', files: one, removed: [], targets: [first], signal });
    assert.ok(outcome.kind === 'synced', JSON.stringify(outcome));
    times.push(outcome.ms);
  }
  const many = Array.from({ length: 300 }, (_, i) => file(tree, `many/s${i % 10}/f${i}.ts`, `${i} `.repeat(700)));
  const outcome = await syncer.sync({ service: 'web', files: many, removed: [], targets: [first], signal });
  assert.deepEqual({ ...outcome, ms: 0 }, { kind: 'synced', files: 300, containers: 1, ms: 0 });
  const median = times.sort((a, b) => a - b)[10];
  t.diagnostic(`one file: median ${median?.toFixed(1)} ms; 300 files: ${'ms' in outcome && outcome.ms.toFixed(1)} ms`);
  rmSync(tree.at('many/s3'), { recursive: true });
  const removed = many.filter(({ to }) => to.includes('/s3/'));
  await syncer.sync({ service: 'web', files: [], removed, targets: [first], signal });
  assert.deepEqual(await hashesIn('node'), hashes(tree));

  const ending = kubectl(['exec', '-n', namespace, 'node', '--', 'node', '-e', 'process.kill(1, "SIGTERM")']);
  // Who ends a container may be ended with it before it can say that it did.
  await ending.catch((error: Error) => assert.match(error.message, /exit code 137/));
  await untilPod(namespace, 'node', 'jsonpath={.status.containerStatuses[0].restartCount}=1');
  await untilPod(namespace, 'node', 'condition=Ready');
  const second = await targetOf(namespace, 'node');
  assert.notEqual(second.containerId, first.containerId);
  tree.write('ü ber/one.ts', 'edited while it was down');
  const waiting = await syncer.sync({ service: 'web', files: one, removed: [], targets: [], signal });
  assert.deepEqual(waiting, { kind: 'noContainers' });
  const caughtUp = await syncer.prepare('web', [second], signal);
  assert.deepEqual({ ...caughtUp, ms: 0 }, { kind: 'synced', files: 301, containers: 1, ms: 0 });
  assert.deepEqual(await hashesIn('node'), hashes(tree));
});

it('a 100 MB file arrives whole in a container that has less memory than that', async ({ signal }) => {
  using tree = new ScratchTree();
  const limits = { resources: { limits: { memory: '96Mi' } } };
  const volume = { volumeMounts: [{ name: 'app', mountPath: '/app' }] };
  const target = await start('big', { image: nodeImage, command: idle, ...limits, ...volume });
  await using syncer = new Syncer(kube);
  const files = [file(tree, 'big.bin', Buffer.alloc(100e6, randomBytes(1009)))];
  const outcome = await syncer.sync({ service: 'web', files, removed: [], targets: [target], signal });
  assert.equal(outcome.kind, 'synced', JSON.stringify(outcome));
  const script = `console.log(require('fs').statSync('${root}/big.bin').size)`;
  const size = await kubectl(['exec', '-n', namespace, 'big', '--', 'node', '-e', script]);
  assert.equal(size.trim(), '100000000');
});

it('a container that may not write, is read-only, is full or has no shell needs a rebuild and says why', async ({
  signal,
}) => {
  using tree = new ScratchTree();
  const files = [file(tree, 'a.ts', randomBytes(100_000))];
  const securityContext = { runAsUser: 1000, runAsGroup: 1000 };
  const readOnly = { securityContext: { readOnlyRootFilesystem: true } };
  const volume = { volumeMounts: [{ name: 'tiny', mountPath: '/app' }] };
  const node = { image: nodeImage, command: idle };
  const shell = { image: 'alpine', command: ['sleep', '1000000'] };
  const may = /it runs as 1000:1000 and \/ belongs to 0:0/;
  const chown = /COPY --chown=1000:1000 … \/app\/src/;
  const room = /make room .* raise the size limit of the volume at \/app\/src/;
  const cases: [pod: string, container: object, because: RegExp[], next: RegExp][] = [
    ['bare', { image: 'storm.lab/pause:1' }, [/there is no node in it .*, and there is no sh in it/], /^undefined$/],
    ['other', { ...node, securityContext }, [/EACCES: permission denied/, may], chown],
    ['other-sh', { ...shell, securityContext }, [/^other-sh\/app: .*Permission denied/, may], chown],
    ['fixed', { ...node, ...readOnly }, [/^fixed\/app: EROFS: read-only file system/], /emptyDir at \/app\/src/],
    ['fixed-sh', { ...shell, ...readOnly }, [/^fixed-sh\/app: .*Read-only file system/], /emptyDir at \/app\/src/],
    ['full', { ...node, ...volume }, [/^full\/app: ENOSPC: no space left on device/], room],
    ['full-sh', { ...shell, ...volume }, [/^full-sh\/app: .*No space left on device/], room],
  ];
  const targets = await Promise.all(cases.map(([pod, container]) => start(pod, container)));
  await using syncer = new Syncer(kube);
  for (const [i, [pod, , because, next]] of cases.entries()) {
    const outcome = await syncer.sync({ service: pod, files, removed: [], targets: targets.slice(i, i + 1), signal });
    assert.ok(outcome.kind === 'needsRebuild', `${pod}: ${JSON.stringify(outcome)}`);
    for (const pattern of because) assert.match(outcome.because, pattern);
    assert.match(`${outcome.next}`, next);
  }
});

for (const [name, image, megabytes] of [
  ['busybox', 'alpine', 100],
  ['dash', 'node:20-slim', 10],
] as const) {
  it(`a container with no more than ${name} gets 1 and 300 files and ${megabytes} MB, with modes, and loses what was removed`, async (t) => {
    const { signal } = t;
    using tree = new ScratchTree();
    const target = await start(name, { image, command: ['sleep', '1000000'] });
    await using syncer = new Syncer(withoutNode(kube));
    await syncer.prepare('web', [target], signal);
    const sync = (files: readonly SyncFile[], removed: readonly SyncFile[] = []) =>
      syncer.sync({ service: 'web', files, removed, targets: [target], signal });
    const one = file(tree, "ü ber/it's $one.sh", 'one');
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      tree.write("ü ber/it's $one.sh", `one ${i}`, 0o755);
      const outcome = await sync([{ ...one, modeChanged: true }]);
      assert.ok(outcome.kind === 'synced', JSON.stringify(outcome));
      times.push(outcome.ms);
    }
    const many = Array.from({ length: 300 }, (_, i) => file(tree, `many/s${i % 10}/f${i}.ts`, `${i} `.repeat(700)));
    const made = await sync(many);
    assert.deepEqual({ ...made, ms: 0 }, { kind: 'synced', files: 300, containers: 1, ms: 0 });
    const big = await sync([file(tree, 'big.bin', Buffer.alloc(megabytes * 1e6, randomBytes(1009)))]);
    assert.ok(big.kind === 'synced', JSON.stringify(big));
    rmSync(tree.at('many/s3'), { recursive: true });
    const gone = await sync(
      [file(tree, 'empty', '')],
      many.filter(({ to }) => to.includes('/s3/')),
    );
    assert.equal(gone.kind, 'synced', JSON.stringify(gone));
    const median = times.sort((a, b) => a - b)[10];
    t.diagnostic(
      `one file: median ${median?.toFixed(1)} ms; 300 files: ${'ms' in made && made.ms.toFixed(0)} ms; ${megabytes} MB: ${big.ms.toFixed(0)} ms`,
    );
    const script = `cd ${root} && find . -type f -exec sha256sum {} + && stat -c '%a' ./*/*.sh`;
    const [mode, ...lines] = (await kubectl(['exec', '-n', namespace, name, '--', 'sh', '-c', script]))
      .trim()
      .split('\n')
      .reverse();
    assert.equal(mode, '755');
    assert.deepEqual(lines.sort(), treeHashes(tree).sort());
  });
}

it('a pod that is deleted under its channel leaves the files pending', async ({ signal }) => {
  using tree = new ScratchTree();
  const target = await start('gone', { image: nodeImage, command: idle });
  await using syncer = new Syncer(kube);
  await syncer.prepare('web', [target], signal);
  await kubectl(['delete', 'pod', '-n', namespace, 'gone', '--grace-period=0', '--force']);
  await kubectl(['wait', '-n', namespace, '--for=delete', '--timeout=120s', 'pod/gone']);
  const request = { service: 'web', files: [file(tree, 'a.ts')], removed: [], targets: [target], signal };
  const outcome = await syncer.sync(request);
  // The kubelet may still be ending the container when the API server has forgotten its pod: then it takes the file yet.
  if (outcome.kind === 'synced') return;
  assert.equal(outcome.kind, 'pending', JSON.stringify(outcome));
});

// So large that it is still on its way when the pod goes.
for (const [name, large, container] of [
  ['node', 64e6, { image: nodeImage, command: idle }],
  ['sh', 100e6, { image: 'alpine', command: ['sleep', '1000000'] }],
] as const) {
  it(`files that were on their way into a pod that died reach the one that takes its place: ${name}`, async (t) => {
    const { signal } = t;
    using tree = new ScratchTree();
    const first = await start(`dies-${name}`, container);
    await using syncer = new Syncer(kube);
    await syncer.prepare('web', [first], signal);
    const files = [
      file(tree, 'big.bin', Buffer.alloc(large, randomBytes(1009))),
      ...Array.from({ length: 20 }, (_, i) => file(tree, `f${i}`)),
    ];
    const sync = syncer.sync({ service: 'web', files, removed: [], targets: [first], signal });
    const dying = kubectl(['delete', 'pod', '-n', namespace, `dies-${name}`, '--grace-period=0', '--force']);
    const [outcome] = await Promise.all([sync, dying]);
    // How soon the kubelet ends it is not ours: it may have taken everything before.
    assert.ok(outcome.kind === 'pending' || outcome.kind === 'synced', JSON.stringify(outcome));
    t.diagnostic(JSON.stringify(outcome));
    await kubectl(['wait', '-n', namespace, '--for=delete', '--timeout=120s', `pod/dies-${name}`]);
    const second = await start(`dies-${name}`, container);
    const caughtUp = await syncer.prepare('web', [second], signal);
    assert.deepEqual({ ...caughtUp, ms: 0 }, { kind: 'synced', files: 21, containers: 1, ms: 0 });
    const script = `cd ${root} && find . -type f -exec sha256sum {} +`;
    const lines = await kubectl(['exec', '-n', namespace, `dies-${name}`, '--', 'sh', '-c', script]);
    assert.deepEqual(lines.trim().split('\n').sort(), treeHashes(tree).sort());
  });
}

function start(name: string, container: object): Promise<SyncTarget> {
  return startPod(namespace, name, container, [
    { name: 'app', emptyDir: {} },
    { name: 'tiny', emptyDir: { medium: 'Memory', sizeLimit: '64Ki' } },
  ]);
}

function file(tree: ScratchTree, name: string, content: string | Buffer = name): SyncFile {
  return { from: tree.write(name, content), to: `${root}/${name}`, root };
}

/** The same cluster, whose containers have no node. */
function withoutNode(kube: Kube): Kube {
  return new Proxy(kube, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'exec') return typeof value === 'function' ? value.bind(target) : value;
      const exec: Kube['exec'] = (request, signal) => {
        const command = request.command.map((word, i) => (i === 0 ? word.replace(/.*node$/, '/nowhere/node') : word));
        return target.exec({ ...request, command }, signal);
      };
      return exec;
    },
  });
}

/** As `sha256sum` prints them. */
function treeHashes(tree: ScratchTree): string[] {
  const names = Object.keys(tree.files());
  return names.map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(tree.at(name)))
        .digest('hex')}  ./${name}`,
  );
}

async function hashesIn(pod: string): Promise<unknown> {
  return JSON.parse(await kubectl(['exec', '-n', namespace, pod, '--', 'node', '-e', hashProgram]));
}

function hashes(tree: ScratchTree): Record<string, string> {
  const all = Object.entries(tree.files());
  return Object.fromEntries(all.map(([name, text]) => [name, createHash('sha256').update(text).digest('hex')]));
}
