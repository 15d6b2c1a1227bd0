import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readChoice } from '../../../src/commands/log-query.ts';
import { choosesContainer } from '../../../src/logs/log-choice.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const startOf = (values: Parameters<typeof readChoice>[0]) => readChoice(values, now).start;

test('without limits the last 10 minutes or 200 lines are shown, and of a run before the last 200 lines', () => {
  assert.deepEqual(startOf({}), { sinceTime: '2026-01-01T11:50:00.000Z', tailLines: 200 });
  assert.deepEqual(startOf({ previous: true }), { tailLines: 200 });
});

test('a limit that is given stands alone', () => {
  assert.deepEqual(startOf({ tail: -1 }), {});
  assert.deepEqual(startOf({ tail: 5 }), { tailLines: 5 });
  assert.deepEqual(startOf({ since: '1h30m' }), { sinceTime: '2026-01-01T10:30:00.000Z' });
  assert.deepEqual(startOf({ since: '2026-01-01T10:00:00+01:00', tail: 3 }), {
    sinceTime: '2026-01-01T09:00:00.000Z',
    tailLines: 3,
  });
});

test('a time or a number that means nothing is refused with its flag', () => {
  const refuses = (values: Parameters<typeof readChoice>[0], where: string, message: RegExp) =>
    assert.throws(() => readChoice(values, now), { name: 'Failure', kind: 'usage', where, message });
  refuses({ since: 'yesterday' }, '--since', /neither a duration nor a time/);
  refuses({ since: '2026-01-01' }, '--since', /neither/);
  refuses({ since: '2026-01-01T13:00:00Z' }, '--since', /has not come yet/);
  refuses({ tail: -2 }, '--tail', /no number of lines/);
  refuses({ previous: true, follow: true }, '--previous', /can not be followed/);
  refuses({ container: ['a('] }, '--container', /unterminated group/);
});

test('--previous does not follow, everything else does', () => {
  assert.equal(readChoice({ previous: true }, now).follow, false);
  assert.equal(readChoice({}, now).follow, true);
  assert.equal(readChoice({ follow: false }, now).follow, false);
});

test('a container is chosen by its whole name', () => {
  const choice = readChoice({ container: ['app', 'init-.*'], 'exclude-container': ['init-b'] }, now);
  const chosen = ['app', 'app-sidecar', 'init-a', 'init-b'].filter((name) => choosesContainer(choice, name));
  assert.deepEqual(chosen, ['app', 'init-a']);
});
