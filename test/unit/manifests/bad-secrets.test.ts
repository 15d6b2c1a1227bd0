import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badSecrets } from '../../../src/manifests/bad-secrets.ts';

test('the keys of a Secret that are no base64 are named at their manifest, and not what they hold', async () => {
  const secret = (data: Readonly<Record<string, string>>, kind = 'Secret') => ({
    object: { apiVersion: 'v1', kind, metadata: { name: 's' }, data },
    where: 'k8s/s.yaml:1:1',
    pinpoint: async (fields: readonly string[]) => `k8s/s.yaml:${fields.join()}`,
  });
  const told = await badSecrets([
    secret({ good: 'aGVsbG8=', lines: 'aGVs\nbG8=\n', empty: '' }),
    secret({ bad: 'not!base64', good: 'aGk=', short: 'aGk' }),
    secret({ any: 'thing!' }, 'ConfigMap'),
  ]);
  assert.deepEqual(
    told.map(({ kind, message, where }) => [kind, message, where]),
    [['usage', 'secret/s: data.bad, data.short are no base64', 'k8s/s.yaml:data[bad],data[short]']],
  );
});
