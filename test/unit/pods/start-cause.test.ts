import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCause } from '../../../src/pods/start-cause.ts';

for (const [message, cause] of [
  [
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown',
    'exec: "nosuch": executable file not found in $PATH',
  ],
  [
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error mounting "/x": not a directory: unknown',
    'error during container init: error mounting "/x": not a directory',
  ],
  ['context deadline exceeded', 'context deadline exceeded'],
  ['', 'StartError'],
  [undefined, 'StartError'],
] as const)
  test(`the cause of a start that failed is told as: ${cause}, of ${message === '' ? 'an empty' : typeof message} message`, () => {
    assert.equal(startCause('StartError', message), cause);
  });
