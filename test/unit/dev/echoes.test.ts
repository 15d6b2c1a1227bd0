import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EchoEvent, type EchoState, noEchoes, stepEchoes } from '../../../src/dev/echoes.ts';

/** One service, played on a clock of its own. */
class Play {
  at = 0;
  loops = 0;
  #state: EchoState = noEchoes;

  step(event: EchoEvent): void {
    const { state, isLoop } = stepEchoes(this.#state, event);
    this.#state = state;
    if (isLoop) this.loops++;
  }

  save(paths: readonly string[] = ['gen.ts']): void {
    this.step({ type: 'saved', paths, at: this.at });
  }

  /** A build that takes `ms`. */
  build(ms: number): void {
    this.step({ type: 'begun', at: this.at });
    this.at += ms;
    this.step({ type: 'ended', at: this.at });
  }
}

test('a file that is written at the same moment after each build is a loop at the fifth', () => {
  const play = new Play();
  play.save();
  for (let round = 1; round <= 5; round++) {
    play.build(3000 + 500 * (round % 3));
    play.at += 400 + 10 * round;
    play.save();
    assert.equal(play.loops, round < 5 ? 0 : 1, `round ${round}`);
  }
});

test('a file that each build writes while it runs is a loop at the fifth', () => {
  const play = new Play();
  play.save();
  for (let round = 1; round <= 5; round++) {
    play.step({ type: 'begun', at: play.at });
    play.at += 1200 + 15 * round;
    play.save();
  }
  assert.equal(play.loops, 1);
});

test('a busy machine that is less punctual is found out at the tenth', () => {
  const play = new Play();
  play.save();
  for (let round = 1; round <= 10; round++) {
    play.build(2000 + 500 * (round % 3));
    play.at += 300 + 130 * (round % 3);
    play.save();
    assert.equal(play.loops, round < 10 ? 0 : 1, `round ${round}`);
  }
});

test('what answers thirty builds in a row after their end is a loop, however uneven', () => {
  const play = new Play();
  play.save();
  for (let round = 1; round <= 30; round++) {
    play.build(2000 + 900 * (round % 4));
    play.at += (round * 370) % 1000;
    play.save();
    assert.equal(play.loops > 0, round === 30, `round ${round}`);
  }
});

test('another file in between begins the count anew', () => {
  const play = new Play();
  for (let round = 0; round < 30; round++) {
    play.save(round % 4 === 3 ? ['gen.ts', 'main.ts'] : ['gen.ts']);
    play.build(3000);
    play.at += 400;
  }
  assert.equal(play.loops, 0);
});

/** The same numbers every time, from 0 up to 1. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

/** A person who saves one file every `meanMs`, give or take a third, while each save is synced or built. */
function person(meanMs: number, buildMs: number | undefined, saves: number, seed: number): number {
  const play = new Play();
  const random = numbers(seed);
  let endAt = Infinity;
  let aborts = 0;
  for (let save = 0; save < saves; save++) {
    const nextAt = play.at + meanMs * (2 / 3 + (2 / 3) * random.next().value);
    if (endAt <= nextAt) {
      play.step({ type: 'ended', at: endAt });
      aborts = 0;
      endAt = Infinity;
    }
    play.at = nextAt;
    play.save();
    // Two aborts in a row, then one runs to its end; what was saved meanwhile is built after it.
    if (buildMs === undefined || (endAt < Infinity && aborts >= 2)) continue;
    if (endAt < Infinity) aborts++;
    play.step({ type: 'begun', at: play.at });
    endAt = play.at + buildMs;
  }
  return play.loops;
}

test('a person who saves one file again and again is let be, whatever builds take', () => {
  for (const buildMs of [undefined, 600, 2000, 6000, 30_000])
    for (let seed = 1; seed <= 50; seed++)
      assert.equal(person(2000, buildMs, 100, seed), 0, `builds of ${buildMs} ms, seed ${seed}`);
});

test('an editor that saves at each key is let be', () => {
  for (let seed = 1; seed <= 20; seed++) assert.equal(person(250, undefined, 250, seed), 0, `seed ${seed}`);
});

test('a key that is held down in an editor that saves at each is let be', () => {
  const play = new Play();
  for (let save = 0; save < 200; save++, play.at += 33) play.save();
  assert.equal(play.loops, 0);
});

test('a file that writes itself without rest is a loop, evenly after ten seconds, unevenly in the end', () => {
  const even = new Play();
  while (even.loops === 0 && even.at < 60_000) {
    even.save();
    even.at += 300;
  }
  assert.ok(even.at >= 10_000 && even.at < 11_000, `${even.at}`);
  assert.ok(person(300, undefined, 400, 1) > 0);
});

test('a save more than a second after a build, or after another save, is nobody’s echo', () => {
  const play = new Play();
  for (let round = 0; round < 100; round++) {
    play.save();
    play.build(500);
    play.at += 1100;
  }
  assert.equal(play.loops, 0);
});
