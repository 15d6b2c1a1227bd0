import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wait } from '../../../src/lib/wait.ts';

test('a wait of more than a timer can count is not over at once', async () => {
  for (const ms of [2 ** 31, 600 * 60 * 60 * 1000 * 10, Number.POSITIVE_INFINITY]) {
    const abort = new AbortController();
    const long = wait(ms, abort.signal).then(() => 'over');
    assert.equal(await Promise.race([long, wait(20, undefined).then(() => 'waiting')]), 'waiting');
    abort.abort();
    await assert.rejects(long, { name: 'AbortError' });
  }
});
