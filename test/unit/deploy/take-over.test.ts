import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writersOf } from '../../../src/deploy/take-over.ts';

test('who wrote an object is told without stormctl’s own apply, its status and its scale, and each once', () => {
  const managedFields = [
    { manager: 'kubectl', operation: 'Apply', fieldsV1: {} },
    { manager: 'kubectl', operation: 'Update', fieldsV1: {} },
    { manager: 'helm', operation: 'Update', fieldsV1: {} },
    { manager: 'kube-controller-manager', operation: 'Update', subresource: 'status', fieldsV1: {} },
    { manager: 'autoscaler', operation: 'Update', subresource: 'scale', fieldsV1: {} },
    { manager: 'stormctl', operation: 'Apply', fieldsV1: {} },
  ];
  assert.deepEqual(writersOf({ name: 'web', managedFields }), ['kubectl', 'helm']);
  assert.deepEqual(writersOf({ name: 'web' }), []);
});
