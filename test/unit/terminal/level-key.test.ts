import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttendedTerminal, logOf } from './log-scene.ts';

test('the key v goes through the levels, from the one of the config on', async () => {
  using attended = new AttendedTerminal();
  const logs = { exclude: [], mask: true, history: true, fold: true, fields: undefined, level: 'warn' } as const;
  attended.terminal.expect({ services: [], logs });
  const shown: string[] = [];
  for (let press = 0; press < 4; press++) {
    for (const level of ['debug', 'info', 'warn', 'error'])
      attended.terminal.report(logOf(`{"level":"${level}","msg":"line"}`));
    attended.press('v');
    const text = await attended.until('log lines');
    shown.push((text.match(/\b(DEBUG|INFO|WARN|ERROR)\b/g) ?? []).join(' '));
  }
  assert.deepEqual(shown, ['WARN ERROR', 'ERROR', 'DEBUG INFO WARN ERROR', 'INFO WARN ERROR']);
});
