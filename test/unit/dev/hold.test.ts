import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hold } from '../../../src/dev/hold.ts';

test('a file that is removed and made anew while it is paused brings its own mode', () => {
  const hold = new Hold({ holds: () => undefined });
  hold.pause();
  hold.collect({ changed: [], removed: ['/a.sh'], modes: [], firstEventAt: 2 });
  hold.collect({ changed: ['/a.sh', '/b.sh'], removed: [], modes: [], firstEventAt: 3 });
  const resumed = hold.resume(1000);
  assert.deepEqual(resumed, { changed: ['/a.sh', '/b.sh'], removed: [], modes: ['/a.sh'], firstEventAt: 1000 });
});
