import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pullCause } from '../../../src/pods/pull-cause.ts';

const rpc = (code: string, rest: string) =>
  `rpc error: code = ${code} desc = failed to pull and unpack image "localhost:5000/no/such:1": ${rest}`;
const resolving = 'failed to resolve reference "localhost:5000/no/such:1": ';

for (const [message, cause] of [
  [rpc('NotFound', `${resolving}localhost:5000/no/such:1: not found`), 'not found'],
  [
    `Back-off pulling image "localhost:5000/no/such:1": ErrImagePull: ${rpc('NotFound', `${resolving}localhost:5000/no/such:1: not found`)}`,
    'not found',
  ],
  [
    rpc(
      'Unknown',
      `${resolving}failed to do request: Head "https://nope.test/v2/a/manifests/1": dial tcp: lookup nope.test: no such host`,
    ),
    'dial tcp: lookup nope.test: no such host',
  ],
  [
    rpc('Unknown', `${resolving}pull access denied, repository does not exist or may require authorization`),
    'pull access denied, repository does not exist or may require authorization',
  ],
  [
    `Back-off pulling image "localhost:5000/no/such:1": ErrImagePull: failed to pull and unpack image "localhost:5000/no/such:1": ${resolving}localhost:5000/no/such:1: not found`,
    'not found',
  ],
  [
    'Back-off pulling image "localhost:5000/no/such:1"',
    'ErrImagePull, Back-off pulling image "localhost:5000/no/such:1"',
  ],
  [undefined, 'ErrImagePull'],
] as const)
  test(`the cause of a pull that failed is told as: ${cause}`, () => {
    assert.equal(pullCause('localhost:5000/no/such:1', 'ErrImagePull', message), cause);
  });
