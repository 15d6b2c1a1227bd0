import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { test as nodeTest } from 'node:test';
import { ApiError } from '../../../src/kube/kube.ts';
import type { SyncTarget } from '../../../src/sync/sync-target.ts';
import { type SyncFile, Syncer } from '../../../src/sync/syncer.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { LocalExec, type LocalExecOptions } from '../../support/local-exec.ts';
import { ScratchTree } from './container-folder.ts';

const never = new AbortController().signal;

/** An outcome that never comes fails its own test. */
const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

/**
 * A local tree, and containers whose file systems are one folder here: what a container's own would lose with it is
 * removed by `restart`.
 */
class Scene implements AsyncDisposable {
  readonly local = new ScratchTree();
  readonly remote = new ScratchTree();
  readonly exec: LocalExec;
  readonly syncer: Syncer;

  constructor(options: LocalExecOptions = {}) {
    this.exec = new LocalExec(options);
    this.syncer = new Syncer(new FakeKube({ exec: this.exec.exec }));
  }

  target(container: string, run = 1): SyncTarget {
    return { namespace: 'storm', pod: 'web-1', container, containerId: `containerd://${container}-${run}` };
  }

  file(name: string, text = name) {
    return { from: this.local.write(name, text), ...this.place(name) };
  }

  place(name: string) {
    return { to: this.remote.at(`app/${name}`), root: this.remote.at('app') };
  }

  sync(targets: readonly SyncTarget[], files: readonly SyncFile[], removed: readonly string[] = []) {
    const gone = removed.map((name) => ({ from: this.local.at(name), ...this.place(name) }));
    return this.syncer.sync({ service: 'web', files, removed: gone, targets, signal: never });
  }

  /** The container's process ends and its file system is the image's again. */
  async restart(container: string): Promise<void> {
    await this.exec.kill(container);
    rmSync(this.remote.at('app'), { recursive: true, force: true });
    mkdirSync(this.remote.at('app'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.syncer[Symbol.asyncDispose]();
    this.local[Symbol.dispose]();
    this.remote[Symbol.dispose]();
  }
}

test('a batch is synced over the channel that was opened before', async () => {
  await using scene = new Scene();
  const targets = [scene.target('app')];
  const prepared = await scene.syncer.prepare('web', targets, never);
  assert.deepEqual({ ...prepared, ms: 0 }, { kind: 'synced', files: 0, containers: 1, ms: 0 });
  const first = await scene.sync(targets, [scene.file('a.ts', 'one'), scene.file('sub/b.ts')]);
  assert.deepEqual({ ...first, ms: 0 }, { kind: 'synced', files: 2, containers: 1, ms: 0 });
  const second = await scene.sync(targets, [scene.file('a.ts', 'two')], ['sub/b.ts']);
  assert.deepEqual({ ...second, ms: 0 }, { kind: 'synced', files: 2, containers: 1, ms: 0 });
  assert.deepEqual(scene.remote.files('app'), { 'a.ts': 'two' });
  assert.equal(scene.exec.requests.length, 1);
});

test('a new file gets the mode that it is to have there, else its own', async () => {
  await using scene = new Scene();
  await scene.sync([scene.target('app')], [{ ...scene.file('run.sh'), mode: 0o750 }, scene.file('own.ts')]);
  const modes = ['run.sh', 'own.ts'].map((name) => statSync(scene.remote.at(`app/${name}`)).mode & 0o777);
  assert.deepEqual(modes, [0o750, statSync(scene.local.at('own.ts')).mode & 0o777]);
});

test('every container gets the files, each over its own channel', async () => {
  await using scene = new Scene();
  const targets = [scene.target('one'), scene.target('two'), scene.target('three')];
  const outcome = await scene.sync(targets, [scene.file('a.ts')]);
  assert.deepEqual({ ...outcome, ms: 0 }, { kind: 'synced', files: 1, containers: 3, ms: 0 });
  assert.equal(scene.exec.running, 3);
});

test('a local file that has gone by the time it is read is removed in the container', async () => {
  await using scene = new Scene();
  scene.remote.write('app/a.ts');
  const file = scene.file('a.ts');
  renameSync(file.from, scene.local.at('elsewhere'));
  const outcome = await scene.sync([scene.target('app')], [file]);
  assert.equal(outcome.kind, 'synced');
  assert.deepEqual(scene.remote.files('app'), {});
});

test('a restarted container gets everything that changed since its image was built', async () => {
  await using scene = new Scene();
  const first = [scene.target('app', 1)];
  await scene.sync(first, [scene.file('a.ts', 'one'), scene.file('b.ts')]);
  await scene.sync(first, [scene.file('a.ts', 'two'), scene.file('c.ts')], ['b.ts']);
  await scene.restart('app');
  scene.remote.write('app/b.ts', "the image's");
  const outcome = await scene.syncer.prepare('web', [scene.target('app', 2)], never);
  assert.deepEqual({ ...outcome, ms: 0 }, { kind: 'synced', files: 3, containers: 1, ms: 0 });
  assert.deepEqual(scene.remote.files('app'), { 'a.ts': 'two', 'c.ts': 'c.ts' });
  assert.equal(scene.exec.running, 1);
});

test('an agent that was killed in a container that lives is started again', async () => {
  await using scene = new Scene();
  const targets = [scene.target('app')];
  await scene.sync(targets, [scene.file('a.ts', 'one')]);
  await scene.exec.kill('app');
  const outcome = await scene.sync(targets, [scene.file('a.ts', 'two')]);
  assert.equal(outcome.kind, 'synced');
  assert.equal(scene.remote.read('app/a.ts'), 'two');
});

test('files for a container that has died wait for the one that takes its place', async () => {
  await using scene = new Scene();
  const first = [scene.target('app', 1)];
  await scene.syncer.prepare('web', first, never);
  scene.exec.refuse = () =>
    new ApiError({
      status: 500,
      reason: 'InternalError',
      message: 'container not found ("app")',
      method: 'GET',
      path: '',
    });
  await scene.restart('app');
  assert.deepEqual(await scene.sync(first, [scene.file('a.ts')]), {
    kind: 'pending',
    because: 'web-1/app: container not found ("app")',
    files: 0,
  });
  scene.exec.refuse = undefined;
  assert.equal((await scene.syncer.prepare('web', [scene.target('app', 2)], never)).kind, 'synced');
  assert.deepEqual(scene.remote.files('app'), { 'a.ts': 'a.ts' });
});

test('without a container the files wait for one', async () => {
  await using scene = new Scene();
  assert.deepEqual(await scene.sync([], [scene.file('a.ts')]), { kind: 'noContainers' });
  await scene.syncer.prepare('web', [scene.target('app')], never);
  assert.deepEqual(scene.remote.files('app'), { 'a.ts': 'a.ts' });
});

test('a deployed image holds the changes up to its checkpoint, and containers of it get only the later ones', async () => {
  await using scene = new Scene();
  await scene.sync([], [scene.file('before.ts'), scene.file('both.ts', 'one')]);
  const built = scene.syncer.checkpoint('web');
  await scene.sync([], [scene.file('during.ts'), scene.file('both.ts', 'two')]);
  scene.syncer.resetDirty('web', built);
  await scene.syncer.prepare('web', [scene.target('app')], never);
  assert.deepEqual(scene.remote.files('app'), { 'both.ts': 'two', 'during.ts': 'during.ts' });
  scene.syncer.resetDirty('web');
  await scene.restart('app');
  await scene.syncer.prepare('web', [scene.target('app', 2)], never);
  assert.deepEqual(scene.remote.files('app'), {});
});

test('executable bits follow a file where they changed, also into a container that comes later', async () => {
  await using scene = new Scene();
  const image = () => {
    for (const name of ['plain', 'run', 'both']) scene.remote.write(`app/${name}`, 'old', 0o644);
  };
  const modes = () => ['plain', 'run', 'both'].map((name) => statSync(scene.remote.at(`app/${name}`)).mode & 0o777);
  image();
  for (const name of ['plain', 'run', 'both']) chmodSync(scene.file(name).from, 0o755);
  const changed = ['run', 'both'].map((name) => ({
    from: scene.local.at(name),
    ...scene.place(name),
    modeChanged: true,
  }));
  await scene.sync([scene.target('app')], [{ from: scene.local.at('plain'), ...scene.place('plain') }, ...changed]);
  assert.deepEqual(modes(), [0o644, 0o755, 0o755]);
  scene.local.write('both', 'newer', 0o755);
  await scene.sync([scene.target('app')], [{ from: scene.local.at('both'), ...scene.place('both') }]);
  await scene.restart('app');
  image();
  await scene.syncer.prepare('web', [scene.target('app', 2)], never);
  assert.deepEqual(modes(), [0o644, 0o755, 0o755]);
  assert.equal(scene.remote.read('app/both'), 'newer');
});

test('services do not get the files of one another', async () => {
  await using scene = new Scene();
  await scene.sync([], [scene.file('a.ts')]);
  const outcome = await scene.syncer.prepare('other', [scene.target('app')], never);
  assert.deepEqual({ ...outcome, ms: 0 }, { kind: 'synced', files: 0, containers: 1, ms: 0 });
});

test('a container without node needs a rebuild as soon as there is a file for it, and is asked only once', async () => {
  await using scene = new Scene({ programs: {} });
  const targets = [scene.target('app')];
  assert.equal((await scene.syncer.prepare('web', targets, never)).kind, 'synced');
  const asked = scene.exec.requests.length;
  for (const text of ['one', 'two']) {
    const outcome = await scene.sync(targets, [scene.file('a.ts', text)]);
    assert.ok(outcome.kind === 'needsRebuild');
    assert.match(outcome.because, /^web-1\/app: there is no node in it/);
  }
  assert.equal(scene.exec.requests.length, asked);
});

test('a container that may not write needs a rebuild, with its own words and the Dockerfile line that mends it', async () => {
  await using scene = new Scene(process.getuid?.() === 0 ? { uid: 1000 } : {});
  mkdirSync(scene.remote.at('app'), { mode: 0o555 });
  const outcome = await scene.sync([scene.target('app')], [scene.file('a.ts'), scene.file('b.ts')]);
  assert.ok(outcome.kind === 'needsRebuild');
  const user = process.getuid?.() === 0 ? '1000:1000' : `${process.getuid?.()}:${process.getgid?.()}`;
  assert.match(
    outcome.because,
    /^web-1\/app: EACCES: permission denied, .* \(it runs as .* belongs to \d+:\d+\), and 1 more$/,
  );
  assert.equal(outcome.next, `give it the files in the Dockerfile: COPY --chown=${user} … ${scene.remote.at('app')}`);
});

test('a local file that is there but is none that can be sent needs a rebuild', async () => {
  await using scene = new Scene();
  symlinkSync(scene.local.path, scene.local.at('link'));
  const file = { from: scene.local.at('link'), ...scene.place('link') };
  const outcome = await scene.sync([scene.target('app')], [file]);
  assert.ok(outcome.kind === 'needsRebuild');
  assert.match(outcome.because, /link: it is a symbolic link to a folder$/);
});

test('an aborted sync is an AbortError, and its files are not lost', async () => {
  await using scene = new Scene();
  const targets = [scene.target('app')];
  const abort = new AbortController();
  const sync = scene.syncer.sync({
    service: 'web',
    files: [scene.file('a.ts')],
    removed: [],
    targets,
    signal: abort.signal,
  });
  abort.abort();
  await assert.rejects(sync, { name: 'AbortError' });
  const outcome = await scene.syncer.prepare('web', targets, never);
  assert.deepEqual({ ...outcome, ms: 0 }, { kind: 'synced', files: 1, containers: 1, ms: 0 });
  assert.deepEqual(scene.remote.files('app'), { 'a.ts': 'a.ts' });
});

test('a container that is not among the running ones any more is let go, also in the middle of a sync', async () => {
  await using scene = new Scene();
  const sync = scene.sync([scene.target('app', 1)], [scene.file('a.ts')]);
  const [outcome, prepared] = await Promise.all([sync, scene.syncer.prepare('web', [scene.target('app', 2)], never)]);
  assert.deepEqual(outcome, {
    kind: 'pending',
    because: 'web-1/app: it is not one of the running containers any more',
    files: 0,
  });
  assert.equal(prepared.kind, 'synced');
  assert.equal(scene.exec.running, 1);
  assert.deepEqual(scene.remote.files('app'), { 'a.ts': 'a.ts' });
});

test('edits and restarts in any order leave the container equal to the tree', async () => {
  await using scene = new Scene();
  let run = 1;
  let seed = 7;
  const random = () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed / 0x7fffffff;
  };
  const running: Promise<unknown>[] = [];
  for (let i = 0; i < 60; i++) {
    const name = `d${Math.floor(random() * 3)}/f${Math.floor(random() * 5)}`;
    const targets = [scene.target('app', run)];
    const what = random();
    if (what < 0.65) running.push(scene.sync(targets, [scene.file(name, `${i}`)]));
    else if (what < 0.85) {
      rmSync(scene.local.at(name), { force: true });
      running.push(scene.sync(targets, [], [name]));
    } else {
      await scene.restart('app');
      run++;
      running.push(scene.syncer.prepare('web', [scene.target('app', run)], never));
    }
  }
  await Promise.all(running);
  await scene.restart('app');
  await scene.syncer.prepare('web', [scene.target('app', run + 1)], never);
  assert.deepEqual(scene.remote.files('app'), scene.local.files());
});
