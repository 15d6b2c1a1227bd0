import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test as nodeTest } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { ApiError } from '../../../src/kube/kube.ts';
import { ContainerChannel } from '../../../src/sync/container-channel.ts';
import type { FileStep } from '../../../src/sync/file-step.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { LocalExec, type LocalExecOptions } from '../../support/local-exec.ts';
import { ScratchTree } from './container-folder.ts';

const never = new AbortController().signal;
const target = { namespace: 'storm', pod: 'web-1', container: 'app', containerId: 'containerd://1' };

/** An answer that never comes fails its own test. */
const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

async function openOn(exec: LocalExec, signal = never) {
  return ContainerChannel.open(new FakeKube({ exec: exec.exec }), target, signal);
}

async function open(options: LocalExecOptions = {}): Promise<ContainerChannel> {
  const opening = await openOn(new LocalExec(options));
  assert.equal(opening.kind, 'open', JSON.stringify(opening));
  return opening.channel;
}

function write(to: string, root: string, content: string | Buffer = to, mode = 0o644): FileStep {
  const bytes = Buffer.from(content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { kind: 'write', to, root, mode, modeChanged: false, bytes, sha256 };
}

test('what a container prints on the same stream is no answer', async () => {
  using tree = new ScratchTree();
  const preload = tree.write('noise.cjs', 'process.stdout.write("hello\\n{\\"id\\":1}\\nno newline at the end");');
  await using channel = await open({ env: { ...process.env, NODE_OPTIONS: `--require ${preload}` } });
  assert.deepEqual(await channel.send([write(tree.at('a'), tree.path)], never), { kind: 'applied', failures: [] });
});

test('the first node that is there is taken', async () => {
  const exec = new LocalExec({ programs: { '/nodejs/bin/node': process.execPath } });
  const opening = await openOn(exec);
  assert.ok(opening.kind === 'open');
  await using _ = opening.channel;
  assert.deepEqual(
    exec.requests.map(({ command }) => command[0]),
    ['node', '/nodejs/bin/node'],
  );
});

test('a container without node and shell, or whose node ends at once, is unable and says why', async () => {
  assert.deepEqual(await openOn(new LocalExec({ programs: {} })), {
    kind: 'unable',
    because:
      'there is no node in it (tried node, /nodejs/bin/node, /usr/local/bin/node), and there is no sh in it (tried sh, /bin/sh, /busybox/sh)',
  });
  const broken = await openOn(new LocalExec({ env: { ...process.env, NODE_OPTIONS: '--require /nowhere.cjs' } }));
  assert.ok(broken.kind === 'unable');
  assert.match(broken.because, /^node ended with exit code 1: .*Cannot find module '\/nowhere\.cjs'/s);
});

test('a pod that is not there is gone, a forbidden exec is unable, a lost server is gone', async () => {
  const answer = (status: number, reason: string, message: string) =>
    new ApiError({ status, reason, message, method: 'GET', path: '/exec' });
  const refusals: [Error, string][] = [
    [answer(404, 'NotFound', 'pods "web-1" not found'), 'gone'],
    [answer(403, 'Forbidden', 'pods "web-1" is forbidden: cannot create pods/exec'), 'unable'],
    [new Failure('unreachable', 'the cluster does not answer'), 'gone'],
  ];
  for (const [error, kind] of refusals) {
    const exec = new LocalExec();
    exec.refuse = () => error;
    assert.deepEqual(await openOn(exec), { kind, because: error.message });
  }
});

test('an abort while a channel opens ends the process', async () => {
  const exec = new LocalExec();
  const abort = new AbortController();
  const opening = openOn(exec, abort.signal);
  abort.abort();
  await assert.rejects(opening, { name: 'AbortError' });
  assert.equal(exec.running, 0);
});

test('a node that starts and says nothing is not waited for longer than the limit', async () => {
  using tree = new ScratchTree();
  const preload = tree.write('silent.cjs', 'for (;;);');
  const env = { ...process.env, NODE_OPTIONS: `--require ${preload}` };
  const limits = { helloMs: 300, silenceMs: 30_000 };
  const alone = new LocalExec({ env, outlive: true });
  const opening = await ContainerChannel.open(new FakeKube({ exec: alone.exec }), target, never, limits);
  await alone.kill('app');
  assert.ok(opening.kind === 'unable');
  assert.match(opening.because, /^node started and said nothing for 0.3 s, and there is no sh in it/);
});

test('a container that answers nothing breaks its channel after a time of silence', async () => {
  using tree = new ScratchTree();
  const exec = new LocalExec({ outlive: true });
  const limits = { helloMs: 10_000, silenceMs: 300 };
  const opening = await ContainerChannel.open(new FakeKube({ exec: exec.exec }), target, never, limits);
  assert.ok(opening.kind === 'open');
  exec.signal('app', 'SIGSTOP');
  const result = await opening.channel.send([write(tree.at('a'), tree.path)], never);
  assert.deepEqual(result, { kind: 'broken', because: 'the sync agent said nothing for 0.3 s' });
  assert.equal(opening.channel.brokenBecause, 'the sync agent said nothing for 0.3 s');
  await exec.kill('app');
  await opening.channel[Symbol.asyncDispose]();
});

test('a shell takes the place of a node that does not do', async () => {
  using tree = new ScratchTree();
  const programs = { node: process.execPath, sh: '/bin/sh' };
  const exec = new LocalExec({ programs, env: { ...process.env, NODE_OPTIONS: '--require /nowhere.cjs' } });
  const opening = await openOn(exec);
  assert.ok(opening.kind === 'open');
  await using channel = opening.channel;
  assert.deepEqual(await channel.send([write(tree.at('a'), tree.path)], never), { kind: 'applied', failures: [] });
});

test('a shell without the tools is unable and names them', async () => {
  using tree = new ScratchTree();
  const script = tree.write('sh', '#!/bin/sh\nexec /bin/sh -c "PATH=/nowhere; ${2#*LC_ALL=C}"\n', 0o755);
  const opening = await openOn(new LocalExec({ programs: { sh: script } }));
  assert.ok(opening.kind === 'unable', JSON.stringify(opening));
  assert.match(opening.because, /, and it has a shell, but no cat, no chmod, .* no sha256sum, no stat$/);
});
