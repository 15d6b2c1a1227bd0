import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { run } from '../../../src/lib/process.ts';
import { everything, ScratchFolder, WatchedFolder } from './watched-folder.ts';

const files = 5000;

test('a branch switch that touches 5,000 files is one batch', { timeout: 120_000 }, async () => {
  using folder = new ScratchFolder();
  const git = async (...args: readonly string[]) => {
    const { exitCode, stderr } = await run('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
      cwd: folder.path,
    });
    assert.equal(exitCode, 0, stderr);
  };
  const writeAll = (text: string) => {
    for (let file = 0; file < files; file++) {
      const at = folder.at(`src/d${file % 100}`);
      if (file < 100) mkdirSync(at, { recursive: true });
      writeFileSync(`${at}/f${file}`, `${text} ${file}`);
    }
  };
  writeAll('main');
  folder.write('src/only-on-main');
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-qm', 'main');
  await git('checkout', '-qb', 'other');
  writeAll('other');
  await git('rm', '-q', 'src/only-on-main');
  await git('commit', '-qam', 'other');
  await git('checkout', '-q', 'main');
  await using watched = await WatchedFolder.start(folder, [everything(folder.at('src'))]);
  for (const branch of ['other', 'main']) {
    await git('checkout', '-q', branch);
    const { changed, removed } = await watched.next();
    assert.equal(changed.length, branch === 'main' ? files + 1 : files);
    assert.deepEqual(removed, branch === 'main' ? [] : ['src/only-on-main']);
  }
});
