import assert from 'node:assert/strict';
import { test } from 'node:test';
import createMatcher from '@balena/dockerignore';
import { readIgnoreRules } from '../../../src/context/ignore-rules.ts';

const names = ['a', 'b', 'a.log', '.env', 'a.b'];
const patterns =
  'a /a a/ ./a a/b a/* */a */* * ? .env* *.log a/../b a//b b/*.log **/a a/** **/*.log a/**/b [ab] a/[ab] \\a a.b a/b/a/b';

function pathsBelow(depth: number): readonly string[] {
  if (depth === 0) return [];
  return names.flatMap((name) => [name, ...pathsBelow(depth - 1).map((path) => `${name}/${path}`)]);
}

test('a path is left out exactly when the whole of it matches, though its first names are all that is compared', () => {
  for (const pattern of patterns.split(' ')) {
    const rules = readIgnoreRules(pattern, '.dockerignore');
    const library = createMatcher({ ignorecase: false }).add(pattern);
    for (const path of pathsBelow(4))
      assert.equal(rules.ruleFor(path) !== undefined, library.ignores(path), `${pattern} and ${path}`);
  }
});

test('what stormctl itself keeps is left out, whatever the ignore file takes back', () => {
  for (const text of ['', '*\n!**', '!.stormctl']) {
    const rules = readIgnoreRules(text, '.dockerignore');
    for (const path of ['.stormctl', '.stormctl/logs/web.log', 'services/web/.stormctl/images.json'])
      assert.equal(rules.ruleFor(path), '.stormctl', path);
    for (const folder of ['.stormctl', 'a/.stormctl/logs']) assert.equal(rules.leavesOutAllBelow(folder), true, folder);
  }
  const rules = readIgnoreRules('', '.dockerignore');
  for (const path of ['.stormctl.Dockerfile', 'stormctl.yaml', 'x.stormctl/a'])
    assert.equal(rules.ruleFor(path), undefined, path);
});
