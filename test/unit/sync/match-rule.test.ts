import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SyncRule } from '../../../src/project.ts';
import { matchRule } from '../../../src/sync/match-rule.ts';

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
    const match = matchRule(rules, path);
    assert.equal(match?.to, to);
    if (match) assert.ok(rules.includes(match.rule));
  });
}
