import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Interrupted, Interrupts } from '../../../src/commands/interrupts.ts';

const settled = async (interrupts: Interrupts) =>
  Promise.race([interrupts.second, new Promise((resolve) => setImmediate(() => resolve('not yet')))]);

test('the first signal aborts, and the second settles with the code of the first', async () => {
  using interrupts = new Interrupts();
  process.emit('SIGINT');
  assert.ok(interrupts.signal.reason instanceof Interrupted);
  assert.equal(await settled(interrupts), 'not yet');
  process.emit('SIGTERM');
  assert.equal(await settled(interrupts), 130);
});

test('a closed window, whose SIGHUP comes from the shell and from the kernel, is one wish', async () => {
  using interrupts = new Interrupts();
  process.emit('SIGHUP');
  process.emit('SIGHUP');
  assert.equal(interrupts.exitCode, 129);
  assert.equal(await settled(interrupts), 'not yet');
  process.emit('SIGTERM');
  assert.equal(await settled(interrupts), 129);
});
