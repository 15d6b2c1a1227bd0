import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { askLine, canAsk } from '../../../src/terminal/ask-line.ts';

const { signal } = new AbortController();

function scene() {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const output = Object.assign(new PassThrough(), { isTTY: true });
  return { stdin, output, question: 'Go on? ', signal };
}

test('a question is shown, and the line that is typed is the answer', async () => {
  const asking = scene();
  const answer = askLine(asking);
  assert.equal(String(asking.output.read()), 'Go on? ');
  asking.stdin.write('yes\nno\n');
  assert.equal(await answer, 'yes');
});

test('an input that ends is no answer', async () => {
  const asking = scene();
  const answer = askLine(asking);
  asking.stdin.end();
  assert.equal(await answer, '');
});

test('an abort ends the question, and lets go of the input', async () => {
  const asking = scene();
  const abort = new AbortController();
  const answer = askLine({ ...asking, signal: abort.signal });
  abort.abort();
  await assert.rejects(answer, { name: 'AbortError' });
  assert.equal(asking.stdin.isPaused(), true);
  await assert.rejects(askLine({ ...asking, signal: abort.signal }), { name: 'AbortError' });
});

test('nobody is asked where nobody sees the question, or can answer', () => {
  const asking = scene();
  assert.equal(canAsk(asking), true);
  assert.equal(canAsk({ ...asking, stdin: new PassThrough() }), false);
  assert.equal(canAsk({ ...asking, output: new PassThrough() }), false);
});
