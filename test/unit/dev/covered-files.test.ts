import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { test } from 'node:test';
import { findCovered } from '../../../src/dev/covered-files.ts';
import { groundOfService } from '../../../src/dev/ground.ts';
import { planService } from '../../../src/up/plan.ts';
import { serviceOf } from '../../support/context-folder.ts';
import { ScratchTree } from '../sync/container-folder.ts';

const at = { file: 'stormctl.yaml', line: 1, column: 1 };
const never = new AbortController().signal;

async function cover(tree: ScratchTree, paths: readonly string[], signal = never) {
  for (const file of ['Dockerfile', 'package.json', 'src/a.ts', 'src/deep/b c.ts', 'src/notes.md', 'docs/x.ts'])
    tree.write(file, file === 'Dockerfile' ? 'FROM alpine\nCOPY package.json src /app/\n' : file);
  const build = {
    context: tree.path,
    dockerfile: tree.at('Dockerfile'),
    target: undefined,
    args: {},
    network: undefined,
  };
  const service = { ...serviceOf('web', 'web', build), sync: [{ from: 'src/**/*.ts', base: 'src', to: '/app', at }] };
  const ground = groundOfService({ ...(await planService(service, 'dev')), selected: true });
  const shown = (path: string) => relative(tree.path, path);
  const { changed, removed } = await findCovered({
    service: ground,
    paths: paths.map((path) => tree.at(path)),
    shown,
    signal,
  });
  return { changed: changed.map(({ from, to }) => [shown(from), to]).sort(), removed: removed.map(({ to }) => to) };
}

test('without a path every file that a rule covers is sent', async () => {
  using tree = new ScratchTree();
  assert.deepEqual(await cover(tree, []), {
    changed: [
      ['src/a.ts', '/app/a.ts'],
      ['src/deep/b c.ts', '/app/deep/b c.ts'],
    ],
    removed: [],
  });
});

test('a folder stands for what is covered below it, a file for itself, and one that is not there for its removal', async () => {
  using tree = new ScratchTree();
  assert.deepEqual(await cover(tree, ['src/deep', 'src/a.ts', 'src/gone.ts']), {
    changed: [
      ['src/a.ts', '/app/a.ts'],
      ['src/deep/b c.ts', '/app/deep/b c.ts'],
    ],
    removed: ['/app/gone.ts'],
  });
});

for (const [path, why] of [
  ['package.json', /package\.json .*: a save of it leads to a rebuild, Dockerfile:2 COPY/],
  ['docs', /nothing of docs can be synced/],
  ['docs/x.ts', /: a save of it does nothing, /],
  ['../elsewhere', /nothing of \.\.\/elsewhere can be synced for web$/],
] as const)
  test(`${path}, which no rule covers, is refused`, async () => {
    using tree = new ScratchTree();
    await assert.rejects(cover(tree, [path]), { kind: 'usage', message: why });
  });

test('an abort ends the search', async () => {
  using tree = new ScratchTree();
  await assert.rejects(cover(tree, [], AbortSignal.abort()), { name: 'AbortError' });
});
