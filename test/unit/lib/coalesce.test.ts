import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, coalesce } from '../../../src/lib/coalesce.ts';

/** Time that moves only when a test says so. */
function handClock(): Clock & { advance(ms: number): void } {
  let now = 1000;
  const timers = new Map<symbol, { at: number; run: () => void }>();
  return {
    now: () => now,
    after(ms, run) {
      const id = Symbol();
      timers.set(id, { at: now + ms, run });
      return () => timers.delete(id);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
        if (!due) break;
        now = due[1].at;
        timers.delete(due[0]);
        due[1].run();
      }
      now = end;
    },
  };
}

function start() {
  const clock = handClock();
  const closed: [firstAt: number, at: number][] = [];
  const coalescer = coalesce({
    quietMs: 15,
    maxMs: 300,
    clock,
    close: (firstAt) => closed.push([firstAt, clock.now()]),
  });
  return { clock, closed, coalescer };
}

test('a batch closes 15 ms after its only event', () => {
  const { clock, closed, coalescer } = start();
  coalescer.touch();
  clock.advance(14);
  assert.deepEqual(closed, []);
  clock.advance(1);
  assert.deepEqual(closed, [[1000, 1015]]);
});

test('events that keep coming keep it open, counted from the last', () => {
  const { clock, closed, coalescer } = start();
  coalescer.touch();
  clock.advance(10);
  coalescer.touch();
  clock.advance(14);
  assert.deepEqual(closed, []);
  clock.advance(1);
  assert.deepEqual(closed, [[1000, 1025]]);
});

test('a batch closes 300 ms after its first event though events go on, and the next one opens', () => {
  const { clock, closed, coalescer } = start();
  for (let ms = 0; ms < 400; ms += 10) {
    coalescer.touch();
    clock.advance(10);
  }
  clock.advance(50);
  assert.deepEqual(closed, [
    [1000, 1300],
    [1300, 1405],
  ]);
});

test('a cancelled batch never closes, and the next event opens a new one', () => {
  const { clock, closed, coalescer } = start();
  coalescer.touch();
  coalescer.cancel();
  clock.advance(1000);
  assert.deepEqual(closed, []);
  coalescer.touch();
  clock.advance(15);
  assert.deepEqual(closed, [[2000, 2015]]);
});
