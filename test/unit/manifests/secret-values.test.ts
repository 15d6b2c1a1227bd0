import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretValues } from '../../../src/manifests/secret-values.ts';

test('the values of Secrets are read as they are, from data and stringData; those of other objects are not', () => {
  const metadata = { name: 'x' };
  const values = secretValues([
    { apiVersion: 'v1', kind: 'Secret', metadata, data: { a: 'c2VjcmV0', n: 5 }, stringData: { b: 'plain' } },
    { apiVersion: 'v1', kind: 'Secret', metadata },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { c: 'public' } },
    { apiVersion: 'example.com/v1', kind: 'Secret', metadata, data: { d: 'b3RoZXI=' } },
  ]);
  assert.deepEqual(values.map(String), ['secret', 'plain']);
});
