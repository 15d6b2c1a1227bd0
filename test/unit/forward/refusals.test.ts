import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusals } from '../../../src/forward/refusals.ts';

test('clients that go on trying are told of at once, and then in sums, ever more seldom', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: string[] = [];
  using refusals = new Refusals((because, times) => lines.push(`${times} ${because}`));
  const trySeconds = (seconds: number, because: string) => {
    for (let second = 0; second < seconds; second++) {
      refusals.refused(because);
      context.mock.timers.tick(1000);
    }
  };
  trySeconds(36, 'no pod');
  assert.deepEqual(lines, ['1 no pod', '4 no pod', '10 no pod', '20 no pod']);
});

test('what comes after a silence is told at once', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: string[] = [];
  using refusals = new Refusals((because, times) => lines.push(`${times} ${because}`));
  refusals.refused('no pod');
  context.mock.timers.tick(5000);
  refusals.refused('no Service');
  assert.deepEqual(lines, ['1 no pod', '1 no Service']);
});

test('nothing is told after the end', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: string[] = [];
  const refusals = new Refusals((because) => lines.push(because));
  refusals.refused('one');
  refusals.refused('two');
  refusals[Symbol.dispose]();
  context.mock.timers.tick(60_000);
  assert.deepEqual(lines, ['one']);
});
