import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretNames } from '../../../src/manifests/secret-names.ts';

test('the Secrets are named from which containers get variables and volumes, and no others', () => {
  const names = secretNames({
    imagePullSecrets: [{ name: 'pull' }],
    initContainers: [{ name: 'i', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'key', key: 'k' } } }] }],
    containers: [
      { name: 'c', envFrom: [{ secretRef: { name: 'all' } }, { configMapRef: { name: 'map' } }] },
      { name: 'd', env: [{ name: 'secret', value: 'plain' }], volumeMounts: [{ name: 'secret', mountPath: '/x' }] },
    ],
    volumes: [
      { name: 'v', secret: { secretName: 'mounted' } },
      { name: 'w', projected: { sources: [{ secret: { name: 'projected' } }, { configMap: { name: 'map' } }] } },
      { name: 'x', secret: { secretName: 'mounted' } },
    ],
  });
  assert.deepEqual(names, ['key', 'all', 'mounted', 'projected']);
  assert.deepEqual(secretNames(undefined), []);
});
