import assert from 'node:assert/strict';
import { test } from 'node:test';
import { singleFlight } from '../../../src/lib/single-flight.ts';

function deferredTask() {
  const runs: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const task = () =>
    new Promise<number>((resolve, reject) => {
      runs.push({ resolve, reject });
    });
  return { runs, task };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('calls while a run is under way share one run after it', async () => {
  const { runs, task } = deferredTask();
  const flight = singleFlight(task);
  const first = flight();
  const second = flight();
  const third = flight();
  assert.equal(runs.length, 1);
  runs[0]?.resolve(1);
  assert.equal(await first, 1);
  await turn();
  assert.equal(runs.length, 2);
  runs[1]?.resolve(2);
  assert.deepEqual([await second, await third], [2, 2]);
  await turn();
  assert.equal(runs.length, 2);
});

test('a failed run fails its callers only, and the next one runs', async () => {
  const { runs, task } = deferredTask();
  const flight = singleFlight(task);
  const first = flight();
  const second = flight();
  runs[0]?.reject(new Error('no'));
  await assert.rejects(first, /no/);
  await turn();
  runs[1]?.resolve(2);
  assert.equal(await second, 2);
});

test('a call after the end starts at once', async () => {
  const { runs, task } = deferredTask();
  const flight = singleFlight(task);
  const first = flight();
  runs[0]?.resolve(1);
  await first;
  await turn();
  const second = flight();
  assert.equal(runs.length, 2);
  runs[1]?.resolve(2);
  assert.equal(await second, 2);
});
