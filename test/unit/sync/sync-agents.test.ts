import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { ContainerChannel } from '../../../src/sync/container-channel.ts';
import { type FileStep, planStep } from '../../../src/sync/file-step.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { LocalExec, type LocalExecOptions } from '../../support/local-exec.ts';
import { ScratchTree } from './container-folder.ts';
import { busyboxTools, findProgram } from './shells.ts';

const never = new AbortController().signal;
const target = { namespace: 'storm', pod: 'web-1', container: 'app', containerId: 'containerd://1' };

/** What a container has to run an agent with. */
class AgentCase {
  readonly name: string;
  readonly #options: LocalExecOptions;

  constructor(name: string, options: LocalExecOptions) {
    this.name = name;
    this.#options = options;
  }

  exec(options: LocalExecOptions = {}): LocalExec {
    return new LocalExec({ ...this.#options, ...options });
  }

  async open(options: LocalExecOptions = {}): Promise<ContainerChannel> {
    const opening = await openOn(this.exec(options));
    assert.equal(opening.kind, 'open', JSON.stringify(opening));
    return opening.channel;
  }
}

const agents = [new AgentCase('node', {})];
const bash = findProgram('bash');
const dash = findProgram('dash');
if (dash) agents.push(new AgentCase('dash', { programs: { sh: dash } }));
if (bash) agents.push(new AgentCase('bash', { programs: { sh: bash } }));
const tools = busyboxTools();
if (tools) agents.push(new AgentCase('busybox', { programs: { sh: `${tools}/sh` }, env: { PATH: tools } }));

/** The same of every agent. An answer that never comes fails its own test. */
function each(name: string, run: (agent: AgentCase) => Promise<void>): void {
  for (const agent of agents) test(`${agent.name}: ${name}`, { timeout: 120_000 }, () => run(agent));
}

function openOn(exec: LocalExec) {
  return ContainerChannel.open(new FakeKube({ exec: exec.exec }), target, never);
}

function write(to: string, root: string, content: string | Buffer = to, mode = 0o644, modeChanged = false): FileStep {
  const bytes = Buffer.from(content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { kind: 'write', to, root, mode, modeChanged, bytes, sha256 };
}

each('files are written with their folders, bytes and modes, and removed', async (agent) => {
  using tree = new ScratchTree();
  await using channel = await agent.open();
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

each('a file that is there keeps its mode and owner, and is replaced in one step', async (agent) => {
  using tree = new ScratchTree();
  const path = tree.write('app/a.sh', 'old', 0o750);
  const before = statSync(path);
  await using channel = await agent.open();
  await channel.send([write(path, tree.at('app'), 'new', 0o644)], never);
  const after = statSync(path);
  assert.equal(tree.read('app/a.sh'), 'new');
  assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
  assert.notEqual(after.ino, before.ino);
});

each('executable bits follow where they changed here, and nothing else of the mode', async (agent) => {
  using tree = new ScratchTree();
  const root = tree.at('app');
  const modes = { plain: 0o640, run: 0o750, kept: 0o755 };
  for (const [name, mode] of Object.entries(modes)) tree.write(`app/${name}`, 'old', mode);
  await using channel = await agent.open();
  const steps = [
    write(tree.at('app/plain'), root, 'new', 0o755, true),
    write(tree.at('app/run'), root, 'new', 0o644, true),
    write(tree.at('app/kept'), root, 'new', 0o644),
  ];
  assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] });
  const after = Object.keys(modes).map((name) => (statSync(tree.at(`app/${name}`)).mode & 0o777).toString(8));
  assert.deepEqual(after, ['751', '640', '755']);
});

each('owners, special bits and a umask make no difference to what a file had', async (agent) => {
  using tree = new ScratchTree();
  const root = tree.at('app');
  const isRoot = process.getuid?.() === 0;
  const modes = { open: 0o666, closed: 0o600, locked: 0o444, setuid: 0o4755 };
  for (const [name, mode] of Object.entries(modes)) {
    const path = tree.write(`app/${name}`, 'old', mode);
    if (isRoot) chownSync(path, 1234, 5678);
    chmodSync(path, mode);
  }
  await using channel = await agent.open();
  const steps = Object.keys(modes).map((name) => write(tree.at(`app/${name}`), root, 'new', 0o640));
  const made = write(tree.at('app/sub/made'), root, 'new', 0o666);
  assert.deepEqual(await channel.send([...steps, made], never), { kind: 'applied', failures: [] });
  const stats = Object.keys(modes).map((name) => statSync(tree.at(`app/${name}`)));
  assert.deepEqual(
    stats.map(({ mode }) => mode & 0o7777),
    Object.values(modes),
  );
  if (isRoot) assert.ok(stats.every(({ uid, gid }) => uid === 1234 && gid === 5678));
  assert.equal(statSync(made.to).mode & 0o777, 0o666);
  assert.equal(statSync(tree.at('app/sub')).mode & 0o777, 0o777 & ~process.umask());
});

each('any name that a file can have', async (agent) => {
  using tree = new ScratchTree();
  const root = tree.at("a $(rm -rf x) 'root'\n2");
  const names = [
    '-n',
    '--',
    "it's",
    '"quoted"',
    'back\\slash',
    'new\nline',
    'tab\t',
    '$HOME',
    '`id`',
    ' ends in space ',
    '*',
    '?',
    '[a]',
    '\u00c1\u00e1\u0081',
    'Ünïcödé \u{1f600}',
    '\u0001stormctl done',
    '#stormctl',
    'a\n#stormctl',
    '.hidden',
    '~',
    '!x',
    ';&|',
    'line\nbreak/in\na/folder',
    "folder's/f",
    '-dir/-f',
    'back\\/s',
  ];
  const steps = names.map((name) => write(`${root}/${name}`, root, `${name}\n\n`));
  await using channel = await agent.open();
  for (const round of ['made', 'replaced'])
    assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] }, round);
  const expected = names.map((name) => [name, `${name}\n\n`] as const);
  assert.deepEqual(tree.files(basename(root)), Object.fromEntries(expected));
  const removals = names.map((name): FileStep => ({ kind: 'remove', to: `${root}/${name}`, root }));
  assert.deepEqual(await channel.send(removals, never), { kind: 'applied', failures: [] });
  assert.deepEqual(tree.files(), {});
});

each('bytes of any kind and of any number', async (agent) => {
  using tree = new ScratchTree();
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const contents = [
    all,
    Buffer.from('\\n\\0101\\c%s%%'),
    Buffer.from("'"),
    Buffer.from('\n'),
    Buffer.from('\0'),
    Buffer.from('no newline'),
    ...[1, 511, 512, 65_535, 65_536, 65_537, 1_048_576, 1_048_577].map((size) => randomBytes(size)),
    ...[65_535, 65_536, 200_000, 1_048_577].map((size) => Buffer.alloc(size, 'text\n')),
  ];
  await using channel = await agent.open();
  const steps = contents.map((content, i) => write(tree.at(`${i}`), tree.path, content));
  assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] });
  for (const [i, content] of contents.entries()) assert.ok(readFileSync(tree.at(`${i}`)).equals(content), `${i}`);
});

each('300 files in one batch, made, replaced and removed', async (agent) => {
  using tree = new ScratchTree();
  await using channel = await agent.open();
  const batch = (text: string) =>
    Array.from({ length: 300 }, (_, i) => write(tree.at(`s${i % 10}/f${i}.ts`), tree.path, `${text} ${i}`.repeat(300)));
  for (const text of ['one', 'two'])
    assert.deepEqual(await channel.send(batch(text), never), { kind: 'applied', failures: [] });
  const files = tree.files();
  assert.equal(Object.keys(files).length, 300);
  assert.equal(files['s7/f17.ts'], 'two 17'.repeat(300));
  const removals = batch('').map(({ to, root }): FileStep => ({ kind: 'remove', to, root }));
  assert.deepEqual(await channel.send(removals, never), { kind: 'applied', failures: [] });
  assert.deepEqual(tree.files(), {});
});

each('a file takes the place of folders that became empty, and a folder that of a file', async (agent) => {
  using tree = new ScratchTree();
  tree.write('app/a/b/c.ts');
  tree.write('app/d', 'a file');
  const root = tree.at('app');
  await using channel = await agent.open();
  const steps: FileStep[] = [
    { kind: 'remove', to: tree.at('app/a/b/c.ts'), root },
    { kind: 'remove', to: tree.at('app/d'), root },
    write(tree.at('app/a'), root, 'now a file'),
    write(tree.at('app/d/e.ts'), root, 'now in a folder'),
  ];
  assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] });
  assert.deepEqual(tree.files('app'), { a: 'now a file', 'd/e.ts': 'now in a folder' });
});

each('a folder that holds files is not given up for a file', async (agent) => {
  using tree = new ScratchTree();
  tree.write('app/a/keep.ts', 'kept');
  await using channel = await agent.open();
  const result = await channel.send([write(tree.at('app/a'), tree.at('app'))], never);
  assert.equal(result.kind === 'applied' && result.failures[0]?.code, 'ENOTEMPTY');
  assert.deepEqual(tree.files('app'), { 'a/keep.ts': 'kept' });
});

each(
  'paths that leave their destination are refused, through symbolic links too, and the others are written',
  async (agent) => {
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
    await using channel = await agent.open();
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
  },
);

each(
  'a destination that is itself reached through a symbolic link is no escape, and a link at the end is replaced',
  async (agent) => {
    using tree = new ScratchTree();
    tree.write('srv/app/keep', 'kept');
    tree.write('elsewhere', 'untouched');
    symlinkSync(tree.at('srv'), tree.at('var'));
    symlinkSync(tree.at('elsewhere'), tree.at('srv/app/link.ts'));
    const root = tree.at('var/app/src');
    await using channel = await agent.open();
    const steps = [
      write(`${root}/a.ts`, root, 'a'),
      write(tree.at('var/app/link.ts'), tree.at('var/app'), 'a file now', 0o600),
    ];
    assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] });
    assert.equal(tree.read('srv/app/src/a.ts'), 'a');
    assert.equal(tree.read('srv/app/link.ts'), 'a file now');
    assert.equal(tree.read('elsewhere'), 'untouched');
  },
);

each('frames cut anywhere are whole again', async (agent) => {
  using tree = new ScratchTree();
  for (const pieces of [[1, 2, 3], [7, 1, 11], [4, 5], [300]]) {
    await using channel = await agent.open({ pieces });
    const root = tree.at(`p${pieces[0]}`);
    const steps = Array.from({ length: 12 }, (_, i) => write(`${root}/f${i}`, root, randomBytes(i * 17)));
    assert.deepEqual(await channel.send(steps, never), { kind: 'applied', failures: [] });
    assert.deepEqual(await channel.send([write(`${root}/f0`, root, 'again')], never), {
      kind: 'applied',
      failures: [],
    });
  }
});

each('batches sent at once are applied one after the other, in their order', async (agent) => {
  using tree = new ScratchTree();
  await using channel = await agent.open();
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, i) => channel.send([write(tree.at('a'), tree.path, `${i}`)], never)),
  );
  assert.ok(results.every((result) => result.kind === 'applied' && result.failures.length === 0));
  assert.equal(tree.read('a'), '39');
});

each('a 100 MB file is streamed from disk and arrives whole', async (agent) => {
  using local = new ScratchTree();
  using tree = new ScratchTree();
  const content = Buffer.alloc(100e6, randomBytes(1009));
  const from = local.write('big', content);
  await using channel = await agent.open();
  const read: (string | undefined)[] = [];
  const wish = { from, to: tree.at('big'), root: tree.path, removed: false, modeChanged: false };
  const step = planStep(wish, undefined, (_, sha256) => read.push(sha256));
  assert.equal(step.kind, 'stream');
  assert.deepEqual(await channel.send([step as FileStep], never), { kind: 'applied', failures: [] });
  assert.ok(readFileSync(tree.at('big')).equals(content));
  assert.deepEqual(read, [createHash('sha256').update(content).digest('hex')]);
});

each('a large file that has gone by the time it is sent is removed', async (agent) => {
  using tree = new ScratchTree();
  const read: (string | undefined)[] = [];
  tree.write('big', 'old');
  await using channel = await agent.open();
  const step: FileStep = {
    kind: 'stream',
    from: '/nowhere/big',
    to: tree.at('big'),
    root: tree.path,
    mode: 0o644,
    modeChanged: false,
    onRead: (sha256) => read.push(sha256),
  };
  assert.deepEqual(await channel.send([step], never), { kind: 'applied', failures: [] });
  assert.deepEqual(tree.files(), {});
  assert.deepEqual(read, [undefined]);
});

each('permission denied is told in the words of the container, with whose folder it is', async (agent) => {
  using tree = new ScratchTree();
  tree.write('app/a.ts', 'theirs');
  const root = tree.at('app');
  if (process.getuid?.() !== 0) chmodSync(root, 0o555);
  await using channel = await agent.open(process.getuid?.() === 0 ? { uid: 1000 } : {});
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
  assert.match(result.failures[0]?.message ?? '', /permission denied/i);
  assert.deepEqual(tree.files('app'), { 'a.ts': 'theirs' });
});

each('a container that dies breaks its channel, at once and for good', async (agent) => {
  using tree = new ScratchTree();
  const exec = agent.exec();
  const opening = await openOn(exec);
  assert.ok(opening.kind === 'open');
  await using channel = opening.channel;
  const sent = channel.send([write(tree.at('a'), tree.path, randomBytes(20e6))], never);
  await exec.kill('app');
  assert.equal((await sent).kind, 'broken');
  assert.equal((await channel.send([write(tree.at('b'), tree.path)], never)).kind, 'broken');
  assert.match(channel.brokenBecause ?? '', /exit code 137/);
});

each('the agent ends with its input and leaves nothing half-written', async (agent) => {
  using local = new ScratchTree();
  using tree = new ScratchTree();
  tree.write('big', 'as it was');
  const from = local.write('big', randomBytes(20e6));
  const exec = agent.exec();
  const opening = await openOn(exec);
  assert.ok(opening.kind === 'open');
  const abort = new AbortController();
  const step: FileStep = { kind: 'stream', from, to: tree.at('big'), root: tree.path, mode: 0o644, modeChanged: false };
  const sent = opening.channel.send([step], abort.signal);
  const rejected = assert.rejects(sent, { name: 'AbortError' });
  abort.abort();
  await rejected;
  await opening.channel[Symbol.asyncDispose]();
  assert.equal(exec.running, 0);
  assert.deepEqual(tree.files(), { big: 'as it was' });
});
