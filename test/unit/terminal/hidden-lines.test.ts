import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { LogLevel } from '../../../src/events.ts';
import { plainLook } from '../../../src/terminal/log-lines.ts';
import { Terminal } from '../../../src/terminal/terminal.ts';
import { logOf } from './log-scene.ts';

function saidOf(levels: readonly LogLevel[]): string {
  const stdout = new PassThrough({ encoding: 'utf8' });
  const stderr = new PassThrough({ encoding: 'utf8' });
  const look = { ...plainLook, level: 'error' as const };
  using terminal = new Terminal({
    output: 'text',
    detail: 'normal',
    colour: 'never',
    look,
    streams: true,
    stdout,
    stderr,
    env: {},
  });
  for (const level of levels) terminal.report(logOf(`{"level":"${level}","msg":"line"}`));
  terminal.tellHidden();
  return ((stderr.read() as string | null) ?? '').trim();
}

test('that a level hides all lines there are is told, and nothing where some are shown or none came', () => {
  assert.equal(
    saidOf(['info', 'warn']),
    'there are 2 lines, below the level error that --level or logs.level asks for',
  );
  assert.equal(saidOf(['info']), 'there is 1 line, below the level error that --level or logs.level asks for');
  assert.equal(saidOf(['info', 'error']), '');
  assert.equal(saidOf([]), '');
});

test('a result that quotes a cluster keeps its lines, and nothing in it moves the cursor', () => {
  const stdout = new PassThrough({ encoding: 'utf8' });
  const stderr = new PassThrough({ encoding: 'utf8' });
  const streams = { stdout, stderr, streams: false } as const;
  const terminal = new Terminal({ output: 'text', detail: 'normal', colour: 'never', ...streams, env: {} });
  terminal.result('one\u001B[2J\ntwo\u001B]0;title\u0007', {});
  terminal[Symbol.dispose]();
  assert.equal(stdout.read(), 'one\ntwo\n');
});
