import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { syncInstead } from '../../../src/dev/sync-instead.ts';
import type { Report } from '../../../src/events.ts';
import { contextFolder, serviceOf } from '../../support/context-folder.ts';

async function ask(difference: { changed?: readonly string[]; removed?: readonly string[] }, { selected = true } = {}) {
  await using folder = await contextFolder({ Dockerfile: 'FROM a\nCOPY src package.json /app/\n' });
  const build = folder.buildOf();
  const rule = { from: 'src/**', base: 'src', to: '/app', at: { file: 'stormctl.yaml', line: 1, column: 1 } };
  const planned = {
    service: { ...serviceOf('web', 'web', build), sync: [rule] },
    build,
    rules: await folder.rules(),
    selected,
  };
  const reports: Report[] = [];
  const lacks: unknown[] = [];
  const accept = syncInstead({
    planned,
    sync: {
      lacks: ({ changed, removed }) => lacks.push(...[...changed, ...removed].map(({ from, to }) => [from, to])),
    },
    report: (report) => reports.push(report),
  });
  const isAccepted = accept({ changed: [], removed: [], ...difference });
  return { isAccepted, reports, lacks, root: folder.root };
}

test('a difference of files that are synced is owed to the containers, and said', async () => {
  const { isAccepted, lacks, reports, root } = await ask({ changed: ['src/a.js'], removed: ['src/b/c.js'] });
  assert.equal(isAccepted, true);
  assert.deepEqual(lacks, [
    [join(root, 'src/a.js'), '/app/a.js'],
    [join(root, 'src/b/c.js'), '/app/b/c.js'],
  ]);
  const text = '2 files differ from its last image: synced when it runs, not built';
  assert.deepEqual(reports, [{ type: 'note', service: 'web', text }]);
});

test('one file that a build is needed for, or a service that was not asked for, and nothing is owed', async () => {
  for (const { isAccepted, lacks, reports } of [
    await ask({ changed: ['src/a.js', 'package.json'] }),
    await ask({ changed: ['src/a.js'] }, { selected: false }),
  ])
    assert.deepEqual([isAccepted, lacks, reports], [false, [], []]);
});
