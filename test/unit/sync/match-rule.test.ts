import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIgnoreRules } from '../../../src/context/ignore-rules.ts';
import type { SyncRule } from '../../../src/project.ts';
import { createMatcher } from '../../../src/sync/match-rule.ts';

const nothingIgnored = readIgnoreRules('', '.dockerignore');

function rule(from: string, base: string, to: string): SyncRule {
  return { from, base, to, at: { file: 'stormctl.yaml', line: 1, column: 1 } };
}

const cases: readonly [about: string, rules: readonly SyncRule[], path: string, to: string | undefined][] = [
  ['keeps the path below base', [rule('src/**/*.ts', 'src', '/app/src')], 'src/a/b.ts', '/app/src/a/b.ts'],
  ['matches directly in the folder', [rule('src/**/*.ts', 'src', '/app/src')], 'src/b.ts', '/app/src/b.ts'],
  ['leaves other extensions', [rule('src/**/*.ts', 'src', '/app/src')], 'src/b.css', undefined],
  ['takes the first rule', [rule('src/**', 'src', '/one'), rule('src/**', 'src', '/two')], 'src/a', '/one/a'],
  ['goes on to the next rule', [rule('web/**', 'web', '/one'), rule('src/**', 'src', '/two')], 'src/a', '/two/a'],
  ['sees dotfiles', [rule('src/**', 'src', '/app')], 'src/.env/.x', '/app/.env/.x'],
  ['takes the context as base', [rule('**/*.{ts,js}', '.', '/app')], 'a/b.js', '/app/a/b.js'],
  ['takes an empty base', [rule('*.json', '', '/app')], 'tsconfig.json', '/app/tsconfig.json'],
  ['puts at the root of the container', [rule('etc/**', 'etc', '/')], 'etc/app.conf', '/app.conf'],
  ['forgives ./ and slashes at the end', [rule('./src/**', './src/', '/app/')], './src/a b/ü.ts', '/app/a b/ü.ts'],
  ['does not cover what is outside base', [rule('**/*.ts', 'src', '/app')], 'lib/a.ts', undefined],
  ['does not take a sibling for base', [rule('**/*.ts', 'src', '/app')], 'src2/a.ts', undefined],
  ['covers a single file', [rule('config/a.json', 'config', '/etc')], 'config/a.json', '/etc/a.json'],
  ['has no rules', [], 'a.ts', undefined],
];

for (const [about, rules, path, to] of cases) {
  test(`a sync rule ${about}`, () => {
    const match = createMatcher(rules, nothingIgnored).match(path);
    assert.equal(match?.to, to);
    if (match) assert.ok(rules.includes(match.rule));
  });
}

const dist = [rule('dist/**', 'dist', '/app')];
const scripts = [rule('**/*.js', '', '/app')];
const ignored: readonly [about: string, rules: readonly SyncRule[], path: string, isCovered: boolean][] = [
  ['leaves what the ignore file leaves out', [rule('src/**', 'src', '/app')], 'src/a.log', false],
  ['takes the rest of that folder', [rule('src/**', 'src', '/app')], 'src/a.ts', true],
  ['takes an ignored folder that it names', dist, 'dist/deep/a.js', true],
  ['takes a part of an ignored folder that it names', [rule('dist/web/*', '', '/app')], 'dist/web/a.js', true],
  ['takes an ignored file that it names in full', [rule('src/a.log', 'src', '/app')], 'src/a.log', true],
  ['finds nothing in an ignored folder by a glob', scripts, 'dist/a.js', false],
  ['never enters node_modules by a glob', scripts, 'node_modules/x/a.js', false],
  ['never enters node_modules below its fixed part', [rule('lib/**', 'lib', '/app')], 'lib/a/node_modules/b', false],
  ['never enters .git by a glob', [rule('**', '', '/app')], '.git/HEAD', false],
  ['enters node_modules that it names', [rule('node_modules/own/**', '', '/app')], 'node_modules/own/a.js', true],
];

const ignore = readIgnoreRules('dist\n**/*.log\ntmp\n!tmp/keep\n', '.dockerignore');

for (const [about, rules, path, isCovered] of ignored) {
  test(`a sync rule ${about}, and the folders on the way are entered just for that`, () => {
    const matcher = createMatcher(rules, ignore);
    assert.equal(matcher.match(path) !== undefined, isCovered);
    const folders = path.split('/').map((_, index, parts) => parts.slice(0, index).join('/'));
    if (isCovered)
      assert.deepEqual(
        folders.map((folder) => matcher.mayMatchBelow(folder)),
        folders.map(() => true),
      );
  });
}

test('a folder is not entered where no rule can cover anything', () => {
  const globs = createMatcher([...scripts, rule('*.json', '', '/app'), rule('src/*/a.ts', 'src', '/app')], ignore);
  for (const folder of ['node_modules', '.git', 'a/node_modules', 'dist', 'dist/deep'])
    assert.equal(globs.mayMatchBelow(folder), false, folder);
  for (const folder of ['', 'src', 'lib/deep', 'tmp']) assert.equal(globs.mayMatchBelow(folder), true, folder);
  const flat = createMatcher([rule('*.json', '', '/app'), rule('src/*/a.ts', 'src', '/app')], ignore);
  for (const folder of ['lib', 'src/x/y', 'srcs']) assert.equal(flat.mayMatchBelow(folder), false, folder);
  for (const folder of ['', 'src', 'src/x']) assert.equal(flat.mayMatchBelow(folder), true, folder);
  const braces = createMatcher([rule('{src/a,b}/*.ts', '', '/app')], ignore);
  assert.equal(braces.mayMatchBelow('src/a'), true);
  assert.equal(createMatcher(dist, ignore).mayMatchBelow('dist/deep'), true);
});
