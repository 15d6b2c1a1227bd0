import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sideBySide } from '../../../src/lib/side-by-side.ts';
import { wait } from '../../../src/lib/wait.ts';

test('the first failure aborts the others, and is thrown when they have ended', async () => {
  const ended: string[] = [];
  const task = async (name: string, signal: AbortSignal) => {
    if (name === 'broken') throw new Error('broken');
    await wait(60_000, signal).catch(() => {});
    ended.push(name);
  };
  await assert.rejects(sideBySide(['slow', 'broken', 'slower'], new AbortController().signal, task), /broken/);
  assert.deepEqual(ended, ['slow', 'slower']);
});

test('an abort ends all of them', async () => {
  const abort = new AbortController();
  const running = sideBySide([1, 2], abort.signal, (_item, signal) => wait(60_000, signal));
  abort.abort();
  await assert.rejects(running, { name: 'AbortError' });
});

test('no items, no work', async () => {
  await sideBySide([], new AbortController().signal, () => assert.fail('called'));
});
