import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttendedTerminal, logOf } from './log-scene.ts';

test('the key / finds a line by what is shown of it, and by what the program wrote', async () => {
  using attended = new AttendedTerminal();
  let text = '';
  for (const [filter, name] of [
    ['req.url=/a', 'shown'],
    ['"url":"/a"', 'written'],
  ] as const) {
    attended.press(`/${filter}\r`);
    text += await attended.until(`match /${filter}/ are shown`);
    for (const line of [
      `{"level":30,"msg":"${name}","req":{"url":"/a"}}`,
      '{"level":30,"msg":"no","req":{"url":"/b"}}',
    ])
      attended.terminal.report(logOf(line));
    text += await attended.until(`INFO  ${name} req.url=/a`);
    assert.doesNotMatch(text, /INFO {2}no/);
  }
});
