import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { exitCodes } from '../../src/errors.ts';

test('docs/exit-codes.md has every exit code, with the kind of failure that ends with it', () => {
  const rows = readFileSync('docs/exit-codes.md', 'utf8')
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const documented = rows.flatMap(([, codes = '', kind = '']) =>
    codes.split(', ').map((code) => [Number(code), kind.replaceAll('`', '')] as const),
  );
  const { SIGINT, SIGTERM, SIGHUP } = constants.signals;
  const bySignal = [SIGINT, SIGTERM, SIGHUP].map((number) => [128 + number, ''] as const);
  const byKind = Object.entries(exitCodes).map(([kind, code]) => [code, code > 1 ? kind : ''] as const);
  assert.deepEqual(documented, [...byKind, ...bySignal]);
  for (const [, codes, , meaning] of rows) assert.ok(meaning, `${codes} has a meaning`);
});
