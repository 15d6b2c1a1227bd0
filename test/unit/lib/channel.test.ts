import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channel } from '../../../src/lib/channel.ts';
import { parseDuration } from '../../../src/lib/duration.ts';
import { backoff } from '../../../src/lib/wait.ts';

async function take<T>(channel: Channel<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of channel) taken.push(item);
  return taken;
}

test('the reader gets what was pushed before and after it came, then the end', async () => {
  const channel = new Channel<number>();
  channel.push(1);
  const taken = take(channel);
  await Promise.resolve();
  channel.push(2);
  channel.close();
  channel.push(3);
  assert.deepEqual(await taken, [1, 2]);
});

test('a failure comes after what was pushed', async () => {
  const channel = new Channel<number>();
  channel.push(1);
  channel.fail(new Error('cut'));
  const iterator = channel[Symbol.asyncIterator]();
  assert.deepEqual(await iterator.next(), { value: 1, done: false });
  await assert.rejects(iterator.next(), /cut/);
});

test('back-off doubles up to its cap, shortened at random by at most half', () => {
  const steady = backoff(100, 350, () => 0);
  assert.deepEqual([steady.next(), steady.next(), steady.next(), steady.next()], [100, 200, 350, 350]);
  steady.reset();
  assert.equal(steady.next(), 100);
  assert.equal(backoff(100, 350, () => 1).next(), 50);
});

test('back-off starts again when what was tried went well for as long as the last delay', () => {
  const steady = backoff(100, 350, () => 0);
  steady.next();
  steady.servedFor(99);
  assert.equal(steady.next(), 200);
  steady.servedFor(200);
  assert.equal(steady.next(), 100);
});

test('durations are read with their units, and nothing else is', () => {
  assert.deepEqual(
    ['500ms', '90s', '5m', '1h', '1m30s', '1.5s'].map(parseDuration),
    [500, 90_000, 300_000, 3_600_000, 90_000, 1500],
  );
  assert.deepEqual(['', '5', 'm', '5 m', '5min', '-5s'].map(parseDuration), [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
