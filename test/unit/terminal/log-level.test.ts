import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtLeast, levelInText, levelOf } from '../../../src/terminal/log-level.ts';

test('levels have many names, and one order', () => {
  assert.deepEqual(['WARNING', 'err', 'Information', 'crit', 'verbose', 'DEBUG-4', 10, 20, 35, 69].map(levelOf), [
    'warn',
    'error',
    'info',
    'fatal',
    'debug',
    'debug',
    'trace',
    'debug',
    'info',
    'fatal',
  ]);
  assert.deepEqual(['audit', '', 5, 70, Number.NaN, null, {}, true].map(levelOf), Array(8).fill(undefined));
  assert.equal(isAtLeast('warn', 'warn'), true);
  assert.equal(isAtLeast('info', 'warn'), false);
});

test('a line of text names its level in capitals, between brackets, or as klog does', () => {
  const levels = [
    '2026-11-21 10:00:00.000 UTC [1] LOG:  database system is ready',
    '2026-11-21 10:00:00.000 UTC [1] FATAL:  password authentication failed',
    '2026/11/21 10:00:00 [error] 7#7: no such file',
    '[1] 2026/11/21 [INF] Server is ready',
    'E1121 10:00:00.000000       1 main.go:10] no route',
    'WARN  slow query',
    'an error and a warning in words',
    'the CATALOG of LOGS',
  ].map(levelInText);
  assert.deepEqual(levels, ['info', 'fatal', 'error', 'info', 'error', 'warn', undefined, undefined]);
});
