import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainFailure } from '../../../src/sync/explain-failure.ts';

const facts = { to: '/app/src/a.ts', root: '/app/src' };

const cases: readonly [code: string, message: string, next: RegExp | undefined][] = [
  ['EROFS', 'EROFS: read-only file system, open', /mount an emptyDir at \/app\/src/],
  ['ENOSPC', 'ENOSPC: no space left on device, write', /make room on its node/],
  ['EOUTSIDE', 'EOUTSIDE: /app/src/a.ts is not inside /app/src', /symbolic link/],
  ['EIO', 'EIO: i/o error, write', undefined],
];

for (const [code, message, next] of cases) {
  test(`${code} is told in the container's words, with what mends it where something does`, () => {
    const explained = explainFailure({ ...facts, code, message }, '1000:1000');
    assert.equal(explained.because, message);
    if (next) assert.match(explained.next ?? '', next);
    else assert.equal(explained.next, undefined);
  });
}

test('permission denied names whom the container runs as, whose the folder is, and the COPY that gives it over', () => {
  const owner = { folder: '/app/src', uid: 0, gid: 0 };
  const message = "EACCES: permission denied, open '/app/src/.a.ts.~stormctl-1f'";
  assert.deepEqual(explainFailure({ ...facts, code: 'EACCES', message, owner }, '1000:1000'), {
    because: `${message} (it runs as 1000:1000 and /app/src belongs to 0:0)`,
    next: 'give it the files in the Dockerfile: COPY --chown=1000:1000 … /app/src',
  });
});
