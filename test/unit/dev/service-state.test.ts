import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServiceEvent, type ServiceState, stepService } from '../../../src/dev/service-state.ts';

const save = (because: string, savedAt = 0): ServiceEvent => ({ type: 'rebuild', work: { because, savedAt } });

/** Plays events from idle on. @returns the actions in short: `start:why`, `abort`, `none`. */
function play(...events: ServiceEvent[]): { actions: string[]; state: ServiceState } {
  let state: ServiceState = { kind: 'idle' };
  const actions = events.map((event) => {
    const step = stepService(state, event);
    state = step.state;
    return step.action.type === 'start' ? `start:${step.action.work.because}` : step.action.type;
  });
  return { actions, state };
}

test('a save builds, and a build that ends leaves the service idle', () => {
  const { actions, state } = play(save('a'), { type: 'ended' });
  assert.deepEqual(actions, ['start:a', 'none']);
  assert.deepEqual(state, { kind: 'idle' });
});

test('a newer save aborts the build that it makes stale, and is built as soon as that has stopped', () => {
  assert.deepEqual(play(save('a'), save('b'), { type: 'aborted' }).actions, ['start:a', 'abort', 'start:b']);
});

test('saves while a build is being aborted ask for one build, of the newest', () => {
  assert.deepEqual(play(save('a'), save('b'), save('c'), { type: 'aborted' }).actions, [
    'start:a',
    'abort',
    'none',
    'start:c',
  ]);
});

test('a build that ended before its abort took effect is still followed by the newer one', () => {
  assert.deepEqual(play(save('a'), save('b'), { type: 'ended' }).actions, ['start:a', 'abort', 'start:b']);
});

test('after two aborts in a row the third build runs to its end, and the newest save is built after it', () => {
  const aborted: ServiceEvent = { type: 'aborted' };
  assert.deepEqual(
    play(save('a'), save('b'), aborted, save('c'), aborted, save('d'), save('e'), { type: 'ended' }).actions,
    ['start:a', 'abort', 'start:b', 'abort', 'start:c', 'none', 'none', 'start:e'],
  );
});

test('a build that ended by itself forgets the aborts before it', () => {
  const aborted: ServiceEvent = { type: 'aborted' };
  const { actions } = play(save('a'), save('b'), aborted, save('c'), aborted, { type: 'ended' }, save('d'), save('e'));
  assert.deepEqual(actions.slice(-2), ['start:d', 'abort']);
});

test('the time of a rebuild counts from the oldest save that waits for it', () => {
  const { state } = play(save('a', 1), save('b', 5), save('c', 9));
  assert.deepEqual(state.kind === 'building' && state.next, { because: 'c', savedAt: 5 });
});
