import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { test } from 'node:test';
import { GitLocks } from '../../../src/watch/git-lock.ts';
import { ScratchFolder } from './watched-folder.ts';

const never = new AbortController().signal;

test('a lock that git left behind is waited for once, and its successor anew', { timeout: 120_000 }, async () => {
  using folder = new ScratchFolder();
  folder.write('.git/index.lock');
  await using locks = new GitLocks(50);
  await locks.setRoots([folder.at('deep/in/it')]);
  const start = performance.now();
  await locks.released(never);
  assert.ok(performance.now() - start >= 49);

  const abort = AbortSignal.abort();
  await locks.released(abort);

  folder.write('next', 'another git');
  renameSync(folder.at('next'), folder.at('.git/index.lock'));
  await assert.rejects(locks.released(abort), { name: 'AbortError' });
});

test("a worktree's lock is where its .git file points", { timeout: 120_000 }, async () => {
  using folder = new ScratchFolder();
  folder.write('main/.git/worktrees/feature/index.lock');
  folder.write('feature/.git', 'gitdir: ../main/.git/worktrees/feature\n');
  await using locks = new GitLocks(60_000);
  await locks.setRoots([folder.at('feature/src')]);
  let released = false;
  const done = locks.released(never).then(() => {
    released = true;
  });
  folder.write('main/.git/worktrees/feature/ORIG_HEAD');
  await Promise.resolve();
  assert.equal(released, false);
  renameSync(folder.at('main/.git/worktrees/feature/index.lock'), folder.at('main/.git/worktrees/feature/index'));
  await done;
});
