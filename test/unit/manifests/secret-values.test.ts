import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretValues } from '../../../src/manifests/secret-values.ts';

test('the values of Secrets are read as they are, from data and stringData; those of other objects are not', () => {
  const metadata = { name: 'x' };
  const values = secretValues([
    { apiVersion: 'v1', kind: 'Secret', metadata, data: { a: 'c2VjcmV0' }, stringData: { b: 'plain' } },
    { apiVersion: 'v1', kind: 'Secret', metadata },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { c: 'public' } },
    { apiVersion: 'example.com/v1', kind: 'Secret', metadata, data: { d: 'b3RoZXI=' } },
  ]);
  assert.deepEqual(values.map(String), ['secret', 'plain']);
});

test('what the server would refuse counts as it stands there, since the refusal quotes it', () => {
  const values = secretValues([
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'x' },
      data: { plain: 'not-base64!', wrapped: 'c2Vj\ncmV0\n' },
      stringData: { pin: 12345678, none: null },
    },
  ]);
  assert.deepEqual(values.map(String).slice(1), ['not-base64!', 'secret', '12345678']);
});
