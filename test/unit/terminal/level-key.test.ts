import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Terminal } from '../../../src/terminal/terminal.ts';

test('the key v goes through the levels, from the one of the config on', async () => {
  const stdout = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 80 });
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const terminal = new Terminal({
    output: 'text',
    detail: 'normal',
    noColor: true,
    streams: true,
    stdout,
    stderr: stdout,
    env: {},
  });
  terminal.interact({ stdin, onAsked: () => {}, onInterrupt: () => {} });
  const logs = { exclude: [], mask: true, history: true, fold: true, fields: undefined, level: 'warn' } as const;
  terminal.expect({ services: [], logs });
  const shown: string[] = [];
  for (let press = 0; press < 4; press++) {
    for (const level of ['debug', 'info', 'warn', 'error'])
      terminal.report({
        type: 'log',
        source: 'web',
        namespace: 'n',
        pod: 'web-1',
        container: 'main',
        stamp: '2026-01-01T00:00:00.000000000Z',
        line: `{"level":"${level}","msg":"line"}`,
      });
    stdin.write('v');
    let text = '';
    while (!text.includes('log lines')) {
      const chunk = stdout.read() as string | null;
      if (chunk === null) await once(stdout, 'readable');
      else text += chunk;
    }
    shown.push((text.match(/\b(DEBUG|INFO|WARN|ERROR)\b/g) ?? []).join(' '));
  }
  terminal[Symbol.dispose]();
  assert.deepEqual(shown, ['WARN ERROR', 'ERROR', 'DEBUG INFO WARN ERROR', 'INFO WARN ERROR']);
});
