import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Ground } from '../../../src/dev/decide.ts';
import { shownPath, watchRoots } from '../../../src/dev/watch-roots.ts';
import { globArea } from '../../../src/lib/glob.ts';
import { createMatcher } from '../../../src/sync/match-rule.ts';
import { type ContextFolder, contextFolder } from '../../support/context-folder.ts';

/** Whether a file is seen: some root holds it, and skips neither it nor a folder on the way. */
function watches(folder: ContextFolder, ground: Partial<Ground>) {
  const roots = watchRoots({ config: [], manifests: { files: [], areas: [] }, services: [], ...ground });
  return (path: string) =>
    roots.some((root) => {
      const absolute = join(folder.root, path);
      if (!absolute.startsWith(`${root.folder}/`)) return false;
      const parts = absolute.slice(root.folder.length + 1).split('/');
      return parts.every((_, i) => !root.skip(parts.slice(0, i + 1).join('/'), i < parts.length - 1));
    });
}

test('of a context only what the Dockerfile, the ignore file and the sync rules name is watched', async () => {
  await using folder = await contextFolder({
    Dockerfile: 'FROM x\nCOPY src src\n',
    '.dockerignore': 'src/tmp\n',
  });
  const sync = [{ from: 'assets/**/*.css', base: 'assets', to: '/a', at: { file: 'f', line: 1, column: 1 } }];
  const rules = await folder.rules();
  const matcher = createMatcher(sync, rules.ignore);
  const seen = watches(folder, { services: [{ name: 'web', rules, sync, matcher, autoSync: false }] });
  for (const path of ['Dockerfile', '.dockerignore', 'Dockerfile.dockerignore', 'src/a/b.ts', 'assets/deep/a.css'])
    assert.ok(seen(path), path);
  for (const path of ['README.md', 'src/tmp/x', 'assets/a.png', 'node_modules/a/src/b.ts'])
    assert.ok(!seen(path), path);
});

test('of globs only what they match is watched, and of single files nothing beside them', async () => {
  await using folder = await contextFolder({ Dockerfile: 'FROM x\n', 'k8s/web.yaml': '' });
  const seen = watches(folder, {
    config: [join(folder.root, 'stormctl.yaml')],
    manifests: {
      files: [join(folder.root, 'infra/app.properties')],
      areas: ['k8s/**/*.{yml,json}', '*/*/deploy.yaml'].flatMap((glob) => globArea(glob, folder.root) ?? []),
    },
  });
  for (const path of ['stormctl.yaml', 'k8s/new/a.yml', 'k8s/b.json', 'infra/app.properties', 'a/b/deploy.yaml'])
    assert.ok(seen(path), path);
  for (const path of [
    'other.yaml',
    'k8s/notes.md',
    'k8s/node_modules/x/a.yml',
    'k8s/.git/a.json',
    'infra/b.yaml',
    'a/deploy.yaml',
    'a/b/c/deploy.yaml',
    '.stormctl/images/deploy.yaml',
  ])
    assert.ok(!seen(path), path);
});

test('paths are shown from the project’s root where they lie inside', () => {
  assert.equal(shownPath('/p', '/p/k8s/web.yaml'), 'k8s/web.yaml');
  assert.equal(shownPath('/p', '/p/..data'), '..data');
  assert.equal(shownPath('/p', '/other/web.yaml'), '/other/web.yaml');
});
