import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { basename } from 'node:path';
import { test as nodeTest } from 'node:test';
import { watchFiles } from '../../../src/watch/watch-files.ts';
import { everything, ScratchFolder, WatchedFolder } from './watched-folder.ts';

/** A batch that never comes fails its own test. */
const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

test('a saved file comes in a batch with the time of its first event', async () => {
  using folder = new ScratchFolder();
  folder.write('src/a.ts', 'one');
  await using watched = await WatchedFolder.start(folder);
  const before = performance.now();
  folder.write('src/a.ts', 'two');
  const batch = await watched.nextRaw();
  assert.deepEqual(batch.changed, [folder.at('src/a.ts')]);
  assert.deepEqual(batch.removed, []);
  assert.ok(batch.firstEventAt >= before && batch.firstEventAt <= performance.now());
});

test('an atomic save, renamed over the file, is a change and no removal', async () => {
  using folder = new ScratchFolder();
  folder.write('a.ts', 'one');
  await using watched = await WatchedFolder.start(folder);
  folder.write('a.ts.tmp', 'two');
  renameSync(folder.at('a.ts.tmp'), folder.at('a.ts'));
  assert.deepEqual(await watched.next(), { changed: ['a.ts'], removed: [] });
});

test('a file removed and written again in one go, as some editors save, is a change', async () => {
  using folder = new ScratchFolder();
  folder.write('a.ts', 'one');
  await using watched = await WatchedFolder.start(folder);
  unlinkSync(folder.at('a.ts'));
  folder.write('a.ts', 'two');
  assert.deepEqual(await watched.next(), { changed: ['a.ts'], removed: [] });
});

test('a removed file and the files of a removed folder are removed', async () => {
  using folder = new ScratchFolder();
  for (const name of ['a.ts', 'sub/b.ts', 'sub/deep/c.ts']) folder.write(name);
  await using watched = await WatchedFolder.start(folder);
  unlinkSync(folder.at('a.ts'));
  rmSync(folder.at('sub'), { recursive: true });
  assert.deepEqual(await watched.upToNow(), { changed: [], removed: ['a.ts', 'sub/b.ts', 'sub/deep/c.ts'] });
});

test('files of a new folder tree count, and later changes deep in it too', async () => {
  using folder = new ScratchFolder();
  await using watched = await WatchedFolder.start(folder);
  folder.write('x/y/z/q.ts', 'one');
  assert.deepEqual(await watched.upToNow(), { changed: ['x/y/z/q.ts'], removed: [] });
  folder.write('x/y/z/q.ts', 'two');
  assert.deepEqual(await watched.next(), { changed: ['x/y/z/q.ts'], removed: [] });
});

test('a folder that is removed and made again is watched again', async () => {
  using folder = new ScratchFolder();
  folder.write('dist/a.js', 'one');
  await using watched = await WatchedFolder.start(folder);
  for (const round of ['two', 'three', 'four']) {
    rmSync(folder.at('dist'), { recursive: true });
    folder.write('dist/a.js', round);
    assert.deepEqual(await watched.next(), { changed: ['dist/a.js'], removed: [] }, round);
    folder.write('dist/a.js', `${round} and later`);
    assert.deepEqual(await watched.next(), { changed: ['dist/a.js'], removed: [] }, round);
  }
});

test('a renamed folder moves its files, and both names are watched on', async () => {
  using folder = new ScratchFolder();
  folder.write('old/in/a.ts');
  await using watched = await WatchedFolder.start(folder);
  renameSync(folder.at('old'), folder.at('new'));
  assert.deepEqual(await watched.upToNow(), { changed: ['new/in/a.ts'], removed: ['old/in/a.ts'] });
  folder.write('new/in/a.ts', 'two');
  folder.write('old/in/a.ts', 'again');
  assert.deepEqual(await watched.upToNow(), { changed: ['new/in/a.ts', 'old/in/a.ts'], removed: [] });
});

test('a root that is removed and made again is watched again, and one that is absent is seen when it appears', async () => {
  using folder = new ScratchFolder();
  folder.write('service/a.ts', 'one');
  const roots = ['service', 'later/there'].map((name) => everything(folder.at(name)));
  await using watched = await WatchedFolder.start(folder, roots);
  rmSync(folder.at('service'), { recursive: true });
  assert.deepEqual(await watched.next(), { changed: [], removed: ['service/a.ts'] });
  folder.write('service/a.ts', 'two');
  assert.deepEqual(await watched.next(), { changed: ['service/a.ts'], removed: [] });
  folder.write('later/there/b.ts');
  assert.deepEqual(await watched.next(), { changed: ['later/there/b.ts'], removed: [] });
});

test('a file written with the bytes that it had is no change', async () => {
  using folder = new ScratchFolder();
  const [known, touched] = [folder.write('known.ts', 'one'), folder.write('touched.ts', 'same')];
  const old = new Date(Date.now() - 60_000);
  utimesSync(touched, old, old);
  await using watched = await WatchedFolder.start(folder);
  folder.write('known.ts', 'two');
  assert.deepEqual(await watched.upToNow(), { changed: ['known.ts'], removed: [] });
  folder.write('known.ts', 'two');
  renameSync(known, folder.at('aside'));
  writeFileSync(known, 'two');
  unlinkSync(folder.at('aside'));
  utimesSync(touched, old, old);
  assert.deepEqual(await watched.upToNow(), { changed: [], removed: [] });
});

test('two writes of the same size within one tick of the clock are told apart', async () => {
  using folder = new ScratchFolder();
  const path = folder.write('a.ts', '0');
  await using watched = await WatchedFolder.start(folder);
  let mirror = '';
  for (let round = 1; round <= 9; round++) {
    const stamp = new Date();
    writeFileSync(path, `${round - 1}`);
    writeFileSync(path, `${round}`);
    // The clock's tick, made certain: size, time and inode are those of the write that was reported last.
    utimesSync(path, stamp, stamp);
    await watched.next();
    writeFileSync(path, 'x');
    utimesSync(path, stamp, stamp);
    const { changed } = await watched.next();
    assert.deepEqual(changed, ['a.ts']);
    mirror = readFileSync(path, 'utf8');
  }
  assert.equal(mirror, 'x');
});

test('a file that becomes executable is a change, one that others may not read any more is none', async () => {
  using folder = new ScratchFolder();
  const path = folder.write('run.sh');
  folder.write('private.txt');
  await using watched = await WatchedFolder.start(folder);
  chmodSync(folder.at('private.txt'), 0o600);
  chmodSync(path, 0o755);
  assert.deepEqual(await watched.upToNow(), { changed: ['run.sh'], removed: [] });
  chmodSync(path, 0o644);
  assert.deepEqual(await watched.next(), { changed: ['run.sh'], removed: [] });
});

test('a file whose executable bits changed is told apart, with its bytes or without, and others are not', async () => {
  using folder = new ScratchFolder();
  for (const name of ['bare.sh', 'both.sh', 'read.sh', 'text.sh']) folder.write(name, 'one');
  await using watched = await WatchedFolder.start(folder);
  chmodSync(folder.at('bare.sh'), 0o755);
  chmodSync(folder.write('both.sh', 'two'), 0o744);
  chmodSync(folder.at('read.sh'), 0o600);
  folder.write('text.sh', 'two');
  const modes = new Set<string>();
  for (const seen = new Set<string>(); seen.size < 3; ) {
    const batch = await watched.nextRaw();
    for (const path of batch.changed) seen.add(path);
    for (const path of batch.modes) modes.add(path);
  }
  assert.deepEqual([...modes].sort(), [folder.at('bare.sh'), folder.at('both.sh')]);
});

test('a file that was read between two writes of the same bytes is told of once more, and then no more', async () => {
  using folder = new ScratchFolder();
  for (const name of ['half.ts', 'gone.ts', 'whole.ts']) folder.write(name, 'one');
  await using watched = await WatchedFolder.start(folder);
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  for (const name of ['half.ts', 'gone.ts', 'whole.ts']) folder.write(name, 'two');
  assert.deepEqual((await watched.upToNow()).changed, ['gone.ts', 'half.ts', 'whole.ts']);
  // By the time that the watch looks they have the bytes again that it had seen.
  watched.watch.taken(folder.at('half.ts'), sha256(''));
  watched.watch.taken(folder.at('gone.ts'), undefined);
  watched.watch.taken(folder.at('whole.ts'), sha256('two'));
  assert.deepEqual(await watched.next(), { changed: ['gone.ts', 'half.ts'], removed: [] });
  for (const name of ['half.ts', 'gone.ts']) watched.watch.taken(folder.at(name), sha256('two'));
  assert.deepEqual(await watched.upToNow(), { changed: [], removed: [] });
});

test('a link is not doubted because what it leads to has other bytes than its name', async () => {
  using folder = new ScratchFolder();
  folder.write('to.ts', 'one');
  await using watched = await WatchedFolder.start(folder);
  symlinkSync('to.ts', folder.at('link.ts'));
  assert.deepEqual((await watched.upToNow()).changed, ['link.ts']);
  watched.watch.taken(folder.at('link.ts'), createHash('sha256').update('one').digest('hex'));
  assert.deepEqual(await watched.upToNow(), { changed: [], removed: [] });
});

test('links to themselves, to a folder above and to nothing are files, and lead the watch nowhere', async () => {
  using folder = new ScratchFolder();
  folder.write('sub/a.ts', 'one');
  symlinkSync('self', folder.at('self'));
  symlinkSync('..', folder.at('sub/up'));
  symlinkSync('nowhere', folder.at('broken'));
  await using watched = await WatchedFolder.start(folder);
  folder.write('sub/a.ts', 'two');
  symlinkSync('sub', folder.at('again'));
  symlinkSync('sub/a.ts', folder.at('file'));
  assert.deepEqual(await watched.upToNow(), { changed: ['again', 'file', 'sub/a.ts'], removed: [] });
  unlinkSync(folder.at('sub/up'));
  folder.write('sub/up/b.ts');
  assert.deepEqual(await watched.upToNow(), { changed: ['sub/up/b.ts'], removed: ['sub/up'] });
  rmSync(folder.at('sub/up'), { recursive: true });
  folder.write('sub/up', 'a file');
  assert.deepEqual(await watched.upToNow(), { changed: ['sub/up'], removed: ['sub/up/b.ts'] });
});

test('a symbolic link that points elsewhere is a change, and its target is not followed', async () => {
  using folder = new ScratchFolder();
  using outside = new ScratchFolder();
  outside.write('a/file.ts');
  symlinkSync(outside.path, folder.at('link'));
  await using watched = await WatchedFolder.start(folder);
  outside.write('a/file.ts', 'two');
  unlinkSync(folder.at('link'));
  symlinkSync(outside.at('a'), folder.at('link'));
  assert.deepEqual(await watched.upToNow(), { changed: ['link'], removed: [] });
});

test("editors' swap and backup files never appear", async () => {
  using folder = new ScratchFolder();
  await using watched = await WatchedFolder.start(folder);
  const names = ['4913', '.a.ts.swp', '.a.ts.swo', 'a.ts~', '.#a.ts', '#a.ts#', '.a.ts.~stormctl-1f3a'];
  for (const name of names) folder.write(name);
  assert.deepEqual(await watched.upToNow(), { changed: [], removed: [] });
  for (const name of names) unlinkSync(folder.at(name));
  assert.deepEqual(await watched.upToNow(), { changed: [], removed: [] });
});

test('a skipped folder is not looked into, and skipped files never appear', async () => {
  using folder = new ScratchFolder();
  folder.write('node_modules/x/index.js');
  folder.write('src/a.ts');
  const asked: string[] = [];
  const skip = (path: string, isFolder: boolean) => {
    asked.push(path);
    return isFolder ? basename(path) === 'node_modules' : path.endsWith('.log');
  };
  await using watched = await WatchedFolder.start(folder, [{ folder: folder.path, skip }]);
  folder.write('node_modules/x/index.js', 'two');
  folder.write('src/debug.log');
  assert.deepEqual(await watched.upToNow(), { changed: [], removed: [] });
  assert.deepEqual(
    asked.filter((path) => path.startsWith('node_modules/')),
    [],
  );
});

test('overlapping roots add up, each file once', async () => {
  using folder = new ScratchFolder();
  folder.write('services/user/src/a.ts');
  folder.write('services/user/dist/b.js');
  const roots = [
    { folder: folder.path, skip: (path: string) => path.startsWith('services/user') },
    { folder: folder.at('services/user'), skip: (path: string) => path === 'dist' },
    { folder: folder.at('services'), skip: (path: string, isFolder: boolean) => !isFolder || !path.startsWith('user') },
  ];
  await using watched = await WatchedFolder.start(folder, roots);
  folder.write('services/user/src/a.ts', 'two');
  folder.write('services/user/dist/b.js', 'two');
  assert.deepEqual(await watched.upToNow(), { changed: ['services/user/src/a.ts'], removed: [] });
});

test('a single file is watched by the folder that holds it', async () => {
  using folder = new ScratchFolder();
  folder.write('Dockerfile', 'FROM scratch');
  folder.write('other');
  const skip = (path: string) => path !== 'Dockerfile' && path !== 'the-last.txt';
  await using watched = await WatchedFolder.start(folder, [{ folder: folder.path, skip }]);
  folder.write('other', 'two');
  folder.write('Dockerfile', 'FROM alpine');
  assert.deepEqual(await watched.upToNow(), { changed: ['Dockerfile'], removed: [] });
});

test('other roots take over without a gap: what is new to the watch is no change, what both watch is not lost', async () => {
  using folder = new ScratchFolder();
  folder.write('a/one.ts');
  folder.write('b/two.ts');
  folder.write('c/three.ts');
  const last = { folder: folder.path, skip: (path: string) => path !== 'the-last.txt' };
  const roots = (...names: string[]) => [last, ...names.map((name) => everything(folder.at(name)))];
  await using watched = await WatchedFolder.start(folder, roots('a', 'b'));
  folder.write('b/two.ts', 'changed while the roots change');
  folder.write('b/new.ts');
  const updated = watched.watch.update(roots('b', 'c'));
  folder.write('b/two.ts', 'and once more');
  await updated;
  assert.deepEqual(await watched.upToNow(), { changed: ['b/new.ts', 'b/two.ts'], removed: [] });
  folder.write('a/one.ts', 'not watched any more');
  folder.write('c/three.ts', 'watched now');
  assert.deepEqual(await watched.upToNow(), { changed: ['c/three.ts'], removed: [] });
});

test('while git holds index.lock nothing is told, and then all of it at once', async () => {
  using folder = new ScratchFolder();
  folder.write('service/a.ts', 'one');
  folder.write('.git/HEAD');
  await using watched = await WatchedFolder.start(folder, [everything(folder.at('service'))]);
  const lock = folder.write('.git/index.lock');
  folder.write('service/a.ts', 'half-way');
  let told = false;
  const next = watched.next().finally(() => {
    told = true;
  });
  // A watch that nobody holds tells of ten saves meanwhile, each of which came after the one in the repository.
  using elsewhere = new ScratchFolder();
  await using free = await WatchedFolder.start(elsewhere);
  for (let save = 0; save < 10; save++) {
    elsewhere.write('a.ts', `${save}`);
    await free.next();
  }
  assert.equal(told, false);
  folder.write('service/b.ts');
  unlinkSync(lock);
  assert.deepEqual(await next, { changed: ['service/a.ts', 'service/b.ts'], removed: [] });
});

test('an abort ends the batches and releases every watch', async () => {
  using folder = new ScratchFolder();
  mkdirSync(folder.at('sub'));
  const abort = new AbortController();
  const watch = watchFiles({ roots: [everything(folder.path)], signal: abort.signal, onProblem: assert.fail });
  await watch.ready;
  abort.abort();
  const batches: unknown[] = [];
  for await (const batch of watch.batches) batches.push(batch);
  await watch[Symbol.asyncDispose]();
  assert.deepEqual(batches, []);
});

test('a signal that is aborted already ends the watch at once, and ready says so', async () => {
  using folder = new ScratchFolder();
  const roots = [everything(folder.path)];
  await using watch = watchFiles({ roots, signal: AbortSignal.abort(), onProblem: assert.fail });
  await assert.rejects(watch.ready, { name: 'AbortError' });
  for await (const _ of watch.batches) assert.fail('a batch');
});

test('a watch that has ended is not kept by the signal that it was given', async () => {
  using folder = new ScratchFolder();
  const { signal } = new AbortController();
  const watch = watchFiles({ roots: [everything(folder.path)], signal, onProblem: () => {} });
  await watch.ready;
  await watch[Symbol.asyncDispose]();
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
});
