import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { isAbort } from '../../../src/errors.ts';
import { LinkedSignal, untilAborted } from '../../../src/lib/abort.ts';

test('a linked signal is aborted with the first of its parents, and has its reason', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  using linked = new LinkedSignal(first.signal, undefined, second.signal);
  assert.equal(linked.signal.aborted, false);
  second.abort(new Error('enough'));
  assert.equal((linked.signal.reason as Error).message, 'enough');
  using late = new LinkedSignal(first.signal, second.signal);
  assert.equal((late.signal.reason as Error).message, 'enough');
});

test('a linked signal aborted by itself leaves its parents alone', () => {
  const parent = new AbortController();
  using linked = new LinkedSignal(parent.signal);
  linked.abort('done');
  assert.equal(linked.signal.reason, 'done');
  assert.equal(parent.signal.aborted, false);
});

test('any number may listen to a linked signal, and Node.js does not warn', async () => {
  const warnings: Error[] = [];
  const take = (warning: Error) => warnings.push(warning);
  process.on('warning', take);
  using linked = new LinkedSignal();
  for (let count = 0; count < 20; count++) linked.signal.addEventListener('abort', () => {});
  await new Promise(setImmediate);
  process.off('warning', take);
  assert.deepEqual(warnings, []);
});

test('a parent keeps nothing of a linked signal that was disposed', () => {
  const parent = new AbortController();
  {
    using linked = new LinkedSignal(parent.signal);
    assert.equal(getEventListeners(parent.signal, 'abort').length, 1);
    linked.signal.addEventListener('abort', () => {});
  }
  assert.equal(getEventListeners(parent.signal, 'abort').length, 0);
});

test('an abort ends the wait and not the work, and a wait that ended keeps no listener', async () => {
  const abort = new AbortController();
  assert.equal(await untilAborted(Promise.resolve('done'), abort.signal), 'done');
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  const { promise, resolve } = withResolvers();
  const waiting = untilAborted(promise, abort.signal);
  abort.abort();
  await assert.rejects(waiting, isAbort);
  resolve('done');
  assert.equal(await promise, 'done');
});

function withResolvers() {
  let resolve: (value: string) => void = () => {};
  const promise = new Promise<string>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
