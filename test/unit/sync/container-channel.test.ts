import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { test as nodeTest } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { ApiError } from '../../../src/kube/kube.ts';
import { ContainerChannel } from '../../../src/sync/container-channel.ts';
import { type FileStep, planStep } from '../../../src/sync/file-step.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { LocalExec, type LocalExecOptions } from '../../support/local-exec.ts';
import { ScratchTree } from './container-folder.ts';

const never = new AbortController().signal;
const target = { namespace: 'storm', pod: 'web-1', container: 'app', containerId: 'containerd://1' };

/** An answer that never comes fails its own test. */
const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 30_000 }, run);

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
  return { kind: 'write', to, root, mode, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

test('files are written with their folders, bytes and modes, and removed', async () => {
  using tree = new ScratchTree();
  await using channel = await open();
  const root = tree.at('app');
  const binary = randomBytes(5000);
  const steps = [
    write(tree.at('app/src/a.ts'), root, 'one'),
    write(tree.at('app/leer/ü n\u{1f600}.txt'), root, ''),
    write(tree.at('app/bin/run'), root, binary, 0o755),
  ];
  assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] });
  assert.equal(tree.read('app/src/a.ts'), 'one');
  assert.equal(tree.read('app/leer/ü n\u{1f600}.txt'), '');
  assert.deepEqual(readFileSync(tree.at('app/bin/run')), binary);
  assert.equal(statSync(tree.at('app/bin/run')).mode & 0o777, 0o755);
  const removal: FileStep = { kind: 'remove', to: tree.at('app/src/a.ts'), root };
  assert.deepEqual(await channel.send([removal, removal], never), { kind: 'applied', failures: [] });
  assert.deepEqual(
    Object.keys(tree.files())
      .map((name) => basename(name))
      .sort(),
    ['run', 'ü n\u{1f600}.txt'],
  );
  assert.ok(existsSync(tree.at('app/src')), 'a folder that became empty stays');
});

test('a file that is there keeps its mode and owner, and is replaced in one step', async () => {
  using tree = new ScratchTree();
  const path = tree.write('app/a.sh', 'old', 0o750);
  const before = statSync(path);
  await using channel = await open();
  await channel.send([write(path, tree.at('app'), 'new', 0o644)], never);
  const after = statSync(path);
  assert.equal(tree.read('app/a.sh'), 'new');
  assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
  assert.notEqual(after.ino, before.ino);
});

test('a file takes the place of folders that became empty, and a folder that of a file', async () => {
  using tree = new ScratchTree();
  tree.write('app/a/b/c.ts');
  tree.write('app/d', 'a file');
  const root = tree.at('app');
  await using channel = await open();
  const steps: FileStep[] = [
    { kind: 'remove', to: tree.at('app/a/b/c.ts'), root },
    { kind: 'remove', to: tree.at('app/d'), root },
    write(tree.at('app/a'), root, 'now a file'),
    write(tree.at('app/d/e.ts'), root, 'now in a folder'),
  ];
  assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] });
  assert.deepEqual(tree.files('app'), { a: 'now a file', 'd/e.ts': 'now in a folder' });
});

test('a folder that holds files is not given up for a file', async () => {
  using tree = new ScratchTree();
  tree.write('app/a/keep.ts', 'kept');
  await using channel = await open();
  const result = await channel.send([write(tree.at('app/a'), tree.at('app'))], never);
  assert.equal(result.kind === 'applied' && result.failures[0]?.code, 'ENOTEMPTY');
  assert.deepEqual(tree.files('app'), { 'a/keep.ts': 'kept' });
});

test('paths that leave their destination are refused, through symbolic links too, and the others are written', async () => {
  using tree = new ScratchTree();
  using outside = new ScratchTree();
  outside.write('victim', 'untouched');
  mkdirSync(tree.at('app/src'), { recursive: true });
  symlinkSync(outside.path, tree.at('app/src/link'));
  const root = tree.at('app/src');
  const bad = [
    tree.at('app/other.ts'),
    `${root}/../../escape.ts`,
    `${root}/x/../../../escape.ts`,
    root,
    `${root}2/a.ts`,
    'app/src/relative.ts',
    `${root}/link/victim`,
    `${root}/link/deep/new.ts`,
  ];
  await using channel = await open();
  const steps = [...bad.map((to) => write(to, root, 'bad')), write(`${root}/good.ts`, root, 'good')];
  const written = await channel.send(steps, never);
  assert.ok(written.kind === 'applied');
  assert.deepEqual(
    written.failures.map(({ to, code }) => [to, code]),
    bad.map((to) => [to, 'EOUTSIDE']),
  );
  const removals = bad.map((to): FileStep => ({ kind: 'remove', to, root }));
  const removed = await channel.send(removals, never);
  assert.ok(removed.kind === 'applied');
  assert.equal(removed.failures.length, bad.length);
  assert.deepEqual(outside.files(), { victim: 'untouched' });
  assert.equal(tree.read('app/src/good.ts'), 'good');
  assert.ok(!existsSync(tree.at('escape.ts')));
});

test('a destination that is itself reached through a symbolic link is no escape, and a link at the end is replaced', async () => {
  using tree = new ScratchTree();
  tree.write('srv/app/keep', 'kept');
  tree.write('elsewhere', 'untouched');
  symlinkSync(tree.at('srv'), tree.at('var'));
  symlinkSync(tree.at('elsewhere'), tree.at('srv/app/link.ts'));
  const root = tree.at('var/app/src');
  await using channel = await open();
  const steps = [
    write(`${root}/a.ts`, root, 'a'),
    write(tree.at('var/app/link.ts'), tree.at('var/app'), 'a file now', 0o600),
  ];
  assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] });
  assert.equal(tree.read('srv/app/src/a.ts'), 'a');
  assert.equal(tree.read('srv/app/link.ts'), 'a file now');
  assert.equal(tree.read('elsewhere'), 'untouched');
});

test('frames cut anywhere are whole again', async () => {
  using tree = new ScratchTree();
  for (const pieces of [[1, 2, 3], [7, 1, 11], [4, 5], [300]]) {
    await using channel = await open({ pieces });
    const root = tree.at(`p${pieces[0]}`);
    const steps = Array.from({ length: 12 }, (_, i) => write(`${root}/f${i}`, root, randomBytes(i * 17)));
    assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] });
    assert.deepEqual(await channel.send([write(`${root}/f0`, root, 'again')], never), {
      kind: 'applied',
      failures: [],
    });
  }
});

test('batches sent at once are applied one after the other, in their order', async () => {
  using tree = new ScratchTree();
  await using channel = await open();
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, i) => channel.send([write(tree.at('a'), tree.path, `${i}`)], never)),
  );
  assert.ok(results.every((result) => result.kind === 'applied' && result.failures.length === 0));
  assert.equal(tree.read('a'), '39');
});

test('a 100 MB file is streamed from disk and arrives whole', async () => {
  using local = new ScratchTree();
  using tree = new ScratchTree();
  const content = Buffer.alloc(100e6, randomBytes(1009));
  const from = local.write('big', content);
  await using channel = await open();
  const step = planStep({ from, to: tree.at('big'), root: tree.path });
  assert.equal(step.kind, 'stream');
  assert.deepEqual(await channel.send([step as FileStep], never), { kind: 'applied', failures: [] });
  assert.ok(readFileSync(tree.at('big')).equals(content));
});

test('a large file that has gone by the time it is sent is removed', async () => {
  using tree = new ScratchTree();
  tree.write('big', 'old');
  await using channel = await open();
  const step: FileStep = { kind: 'stream', from: '/nowhere/big', to: tree.at('big'), root: tree.path, mode: 0o644 };
  assert.deepEqual(await channel.send([step], never), { kind: 'applied', failures: [] });
  assert.deepEqual(tree.files(), {});
});

test('permission denied is told in the words of the container, with whose folder it is', async () => {
  using tree = new ScratchTree();
  tree.write('app/a.ts', 'theirs');
  const root = tree.at('app');
  if (process.getuid?.() !== 0) chmodSync(root, 0o555);
  await using channel = await open(process.getuid?.() === 0 ? { uid: 1000 } : {});
  const result = await channel.send([write(tree.at('app/new/b.ts'), root), write(tree.at('app/a.ts'), root)], never);
  chmodSync(root, 0o755);
  assert.ok(result.kind === 'applied');
  assert.deepEqual(
    result.failures.map(({ code, owner }) => [code, owner?.folder]),
    [
      ['EACCES', root],
      ['EACCES', root],
    ],
  );
  assert.match(result.failures[0]?.message ?? '', /permission denied/);
  assert.deepEqual(tree.files('app'), { 'a.ts': 'theirs' });
});

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

test('a container without node, or whose node ends at once, is unable and says why', async () => {
  assert.deepEqual(await openOn(new LocalExec({ programs: {} })), {
    kind: 'unable',
    because: 'there is no node in it (tried node, /nodejs/bin/node, /usr/local/bin/node)',
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

test('a container that dies breaks its channel, at once and for good', async () => {
  using tree = new ScratchTree();
  const exec = new LocalExec();
  const opening = await openOn(exec);
  assert.ok(opening.kind === 'open');
  await using channel = opening.channel;
  const sent = channel.send([write(tree.at('a'), tree.path, randomBytes(20e6))], never);
  await exec.kill('app');
  assert.equal((await sent).kind, 'broken');
  assert.equal((await channel.send([write(tree.at('b'), tree.path)], never)).kind, 'broken');
  assert.match(channel.brokenBecause ?? '', /exit code 137/);
});

test('the agent ends with its input and leaves nothing half-written', async () => {
  using local = new ScratchTree();
  using tree = new ScratchTree();
  tree.write('big', 'as it was');
  const from = local.write('big', randomBytes(20e6));
  const exec = new LocalExec();
  const opening = await openOn(exec);
  assert.ok(opening.kind === 'open');
  const abort = new AbortController();
  const step: FileStep = { kind: 'stream', from, to: tree.at('big'), root: tree.path, mode: 0o644 };
  const sent = opening.channel.send([step], abort.signal);
  const rejected = assert.rejects(sent, { name: 'AbortError' });
  abort.abort();
  await rejected;
  await opening.channel[Symbol.asyncDispose]();
  assert.equal(exec.running, 0);
  assert.deepEqual(tree.files(), { big: 'as it was' });
});

test('an abort while a channel opens ends the process', async () => {
  const exec = new LocalExec();
  const abort = new AbortController();
  const opening = openOn(exec, abort.signal);
  abort.abort();
  await assert.rejects(opening, { name: 'AbortError' });
  assert.equal(exec.running, 0);
});
