import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { ScratchFolder, WatchedFolder } from './watched-folder.ts';

// To root no folder is unreadable.
if (process.geteuid?.() === 0) process.seteuid?.(65_534);

test('a folder that may not be read is named once, keeps its files, and is watched when it may be read', {
  timeout: 120_000,
}, async () => {
  using folder = new ScratchFolder();
  const [closed, closing] = [folder.at('closed'), folder.at('closing')];
  folder.write('closed/a.ts', 'one');
  folder.write('closing/b.ts', 'one');
  chmodSync(closed, 0);
  await using watched = await WatchedFolder.start(folder);
  chmodSync(closing, 0);
  assert.deepEqual(await watched.upToNow(), { changed: [], removed: [] });
  chmodSync(closing, 0o755);
  chmodSync(closed, 0o755);
  assert.deepEqual(await watched.upToNow(), { changed: ['closed/a.ts'], removed: [] });
  folder.write('closed/a.ts', 'two');
  folder.write('closing/b.ts', 'two');
  assert.deepEqual(await watched.upToNow(), { changed: ['closed/a.ts', 'closing/b.ts'], removed: [] });
  assert.deepEqual(
    watched.problems.map(({ where, message }) => [where, /EACCES/.test(message)]),
    [
      [closed, true],
      [closing, true],
    ],
  );
});
