import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { connectCluster } from '../../../src/kube/connect-cluster.ts';
import type { Kube } from '../../../src/kube/kube.ts';
import { Scope } from '../../../src/lib/scope.ts';
import { type SyncFile, Syncer } from '../../../src/sync/syncer.ts';
import { kubectl, lab, testNamespace } from '../../support/lab.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { ScratchTree } from '../../unit/sync/container-folder.ts';
import { startPod } from './pods.ts';

const namespace = 't-sync-cut';
const root = '/app/src';
const rounds = 25;

const scope = new Scope();
let proxy: TcpProxy;
let kube: Kube;

before(async () => {
  if (lab.skip !== false) return;
  scope.own(await testNamespace(namespace));
  const config = readFileSync(lab.kubeconfig, 'utf8');
  const port = /server: https:\/\/[^:]+:(\d+)/.exec(config)?.[1];
  assert.ok(port);
  proxy = scope.own(await TcpProxy.listen({ to: Number(port) }));
  const folder = scope.own(new ScratchTree(), (tree) => tree[Symbol.dispose]());
  const kubeconfig = folder.write('kubeconfig', config.replace(`:${port}`, `:${proxy.port}`));
  kube = scope.own(await connectCluster({ kubeconfig, context: lab.context, env: process.env }));
});
after(() => scope[Symbol.asyncDispose]());

for (const [name, container] of [
  ['node', { image: 'node:20-alpine', command: ['node', '-e', 'setInterval(() => {}, 1e9)'] }],
  ['sh', { image: 'alpine', command: ['sleep', '1000000'] }],
] as const) {
  test(`${name}: a container equals the tree after cuts at any byte of its batches, and holds nothing half-written`, {
    skip: lab.skip,
    timeout: 180_000,
  }, async (t) => {
    using tree = new ScratchTree();
    const target = await startPod(namespace, name, container);
    await using syncer = new Syncer(kube);
    await syncer.prepare('web', [target], t.signal);
    const random = randomFrom(7);
    const kinds: Record<string, number> = {};
    for (let round = 0; round < rounds; round++) {
      const { files, removed, bytes } = edit(tree, random);
      proxy.cutAfter(1 + Math.floor(random() * bytes * 1.3), 'client');
      const outcome = await syncer.sync({ service: 'web', files, removed, targets: [target], signal: t.signal });
      kinds[outcome.kind] = (kinds[outcome.kind] ?? 0) + 1;
      assert.ok(outcome.kind === 'synced' || outcome.kind === 'pending', JSON.stringify(outcome));
    }
    proxy.cutAfter(Number.POSITIVE_INFINITY, 'client');
    const last = await syncer.prepare('web', [target], t.signal);
    assert.equal(last.kind, 'synced', JSON.stringify(last));
    t.diagnostic(`${JSON.stringify(kinds)}, ${proxy.connections} connections`);
    assert.deepEqual(await hashesIn(name), hashesOf(tree));
  });
}

/** Some files of a small set, so that they are written over and over, and a large one now and then. */
function edit(tree: ScratchTree, random: () => number) {
  const files: SyncFile[] = [];
  const removed: SyncFile[] = [];
  let bytes = 0;
  for (let i = 0; i < 25; i++) {
    const name = `d${Math.floor(random() * 3)}/f${Math.floor(random() * 40)}`;
    const file = { from: tree.at(name), to: `${root}/${name}`, root };
    if (random() < 0.15) {
      rmSync(file.from, { force: true });
      removed.push(file);
    } else {
      const size = Math.floor(random() * (random() < 0.04 ? 3e6 : 30_000));
      tree.write(name, randomBytes(size));
      files.push(file);
      bytes += size;
    }
  }
  return { files, removed, bytes };
}

/** Of all files, once the agents whose connections were cut have taken away what they had not finished. */
async function hashesIn(pod: string): Promise<readonly string[]> {
  const script = `cd ${root}; i=0; while [ $i -lt 100 ] && find . -name '.*stormctl*' | grep -q .; do i=$((i + 1)); sleep 0.1; done
    find . -type f -exec sha256sum {} +`;
  return (await kubectl(['exec', '-n', namespace, pod, '--', 'sh', '-c', script])).trim().split('\n').sort();
}

function hashesOf(tree: ScratchTree): readonly string[] {
  const hash = (name: string) =>
    createHash('sha256')
      .update(readFileSync(tree.at(name)))
      .digest('hex');
  return Object.keys(tree.files())
    .map((name) => `${hash(name)}  ./${name}`)
    .sort();
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
