import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scope } from '../../../src/lib/scope.ts';

test('a scope aborts first, then ends what it owns in reverse order, once', async () => {
  const scope = new Scope();
  const ended: string[] = [];
  scope.own('first', (name) => ended.push(`${name} aborted=${scope.signal.aborted}`));
  scope.own('second', async (name) => {
    await Promise.resolve();
    ended.push(name);
  });
  await Promise.all([scope[Symbol.asyncDispose](), scope[Symbol.asyncDispose]()]);
  assert.deepEqual(ended, ['second', 'first aborted=true']);
});

test('an ending that throws does not keep the others from running, and is not lost', async () => {
  const scope = new Scope();
  const ended: string[] = [];
  scope.own('kept', (name) => ended.push(name));
  scope.own('broken', () => {
    throw new Error('broken');
  });
  await assert.rejects(scope[Symbol.asyncDispose](), /broken/);
  assert.deepEqual(ended, ['kept']);
});

test('a parent that is aborted aborts the scope, and a scope that ended lets go of its parent', async () => {
  const parent = new AbortController();
  const child = new Scope(parent.signal);
  parent.abort(new Error('enough'));
  assert.equal((child.signal.reason as Error).message, 'enough');
  await child[Symbol.asyncDispose]();
});

test('the end waits for background tasks, and their own errors are told', async () => {
  const scope = new Scope();
  const errors: unknown[] = [];
  let stopped = false;
  scope.run(
    (signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          stopped = true;
          resolve();
        });
      }),
    (error) => errors.push(error),
  );
  scope.run(
    () => Promise.reject(new Error('task')),
    (error) => errors.push((error as Error).message),
  );
  await new Promise((resolve) => setImmediate(resolve));
  await scope[Symbol.asyncDispose]();
  assert.equal(stopped, true);
  assert.deepEqual(errors, ['task']);
});
