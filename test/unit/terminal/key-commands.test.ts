import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Choices, type Effect, type Mode, stepKeys } from '../../../src/terminal/key-commands.ts';
import type { Key } from '../../../src/terminal/key-parser.ts';

const choices: Choices = {
  services: ['web', 'api'],
  sources: ['web', 'api', 'postgres'],
  urls: [{ name: 'service/web', url: 'http://localhost:8080' }],
};

/** Presses keys one after the other: a word is typed letter by letter. */
function press(keys: readonly (string | Key)[], from: Choices = choices) {
  let mode: Mode = { kind: 'keys' };
  const effects: Effect[] = [];
  for (const each of keys)
    for (const key of typeof each === 'string' ? Array.from(each, (text): Key => ({ kind: 'text', text })) : [each]) {
      const step = stepKeys(mode, key, from);
      mode = step.mode;
      if (step.effect) effects.push(step.effect);
    }
  return { mode, effects };
}
const enter: Key = { kind: 'enter' };
const escape: Key = { kind: 'escape' };
const rebuild = (service: string | undefined): Effect => ({ type: 'asked', asked: { type: 'rebuild', service } });

test('r asks which service: by number, by a part of its name, or all', () => {
  assert.equal(press(['r']).mode.kind, 'choose');
  assert.deepEqual(press(['r2']).effects, [rebuild('api')]);
  assert.deepEqual(press(['r0']).effects, [rebuild(undefined)]);
  assert.deepEqual(press(['r', enter]).effects, [rebuild(undefined)]);
  assert.deepEqual(press(['rwe', enter]).effects, [rebuild('web')]);
  assert.deepEqual(press(['r', escape]), { mode: { kind: 'keys' }, effects: [] });
});

test('with one service there is nothing to ask, with none it is said', () => {
  assert.deepEqual(press(['r'], { ...choices, services: ['web'] }).effects, [rebuild('web')]);
  assert.deepEqual(press(['r'], { ...choices, services: [] }).effects, [
    { type: 'say', text: 'no service is known yet' },
  ]);
});

test('an answer that fits none or several is asked again', () => {
  for (const [typed, problem] of [
    ['7', 'there is no 7'],
    ['x', 'there is no x'],
    ['', undefined],
  ] as const) {
    const { mode, effects } = press([`r${typed}`, ...(typed === 'x' ? [enter] : [])]);
    assert.equal(mode.kind === 'choose' ? mode.problem : 'no question', problem);
    assert.deepEqual(effects, []);
  }
  const { mode } = press(['le', enter]);
  assert.equal(mode.kind === 'choose' && mode.problem, 'e is 2 of them');
});

test('where more than nine are, a digit that another may follow waits for it', () => {
  const services = Array.from({ length: 12 }, (_, index) => `s${index + 1}`);
  assert.deepEqual(press(['r1'], { ...choices, services }).effects, []);
  assert.deepEqual(press(['r1', enter], { ...choices, services }).effects, [rebuild('s1')]);
  assert.deepEqual(press(['r12'], { ...choices, services }).effects, [rebuild('s12')]);
  assert.deepEqual(press(['r3'], { ...choices, services }).effects, [rebuild('s3')]);
});

test('a digit shows the logs of one, 0 those of all', () => {
  assert.deepEqual(press(['3']).effects, [{ type: 'logs', source: 'postgres' }]);
  assert.deepEqual(press(['0']).effects, [{ type: 'logs', source: undefined }]);
  assert.deepEqual(press(['9']).effects, [{ type: 'say', text: 'there is no source 9: l lists the 3' }]);
});

test('v shows other levels', () => {
  assert.deepEqual(press(['v']).effects, [{ type: 'level' }]);
});

test('a filter is typed, corrected, pasted and cleared', () => {
  assert.deepEqual(press(['/qx', { kind: 'backspace' }, enter]).effects, [{ type: 'filter', filter: 'q' }]);
  assert.deepEqual(press(['/', { kind: 'paste', text: 'GET /\nrm' }, enter]).effects, [
    { type: 'filter', filter: 'GET /' },
  ]);
  assert.deepEqual(press(['/ab', { kind: 'ctrl', letter: 'u' }, enter]).effects, [
    { type: 'filter', filter: undefined },
  ]);
  assert.deepEqual(press(['/👩‍💻', { kind: 'backspace' }]).mode, { kind: 'filter', text: '' });
});

test('a regular expression that is none stays to be mended', () => {
  const { mode, effects } = press(['/(', enter]);
  assert.deepEqual(mode, { kind: 'filter', text: '(', problem: 'Unterminated group' });
  assert.deepEqual(effects, []);
});

test('Ctrl+C ends and Ctrl+Z suspends whatever is being typed', () => {
  assert.deepEqual(press(['/ab', { kind: 'ctrl', letter: 'c' }]).effects, [{ type: 'quit' }]);
  const suspended = press(['/ab', { kind: 'ctrl', letter: 'z' }]);
  assert.deepEqual(suspended, { mode: { kind: 'filter', text: 'ab' }, effects: [{ type: 'suspend' }] });
});

test('a key without a meaning says so, and pasted text does nothing', () => {
  for (const key of [
    'x',
    escape,
    { kind: 'other' },
    { kind: 'ctrl', letter: 'd' },
    { kind: 'paste', text: 'quit' },
  ] as const)
    assert.deepEqual(
      press([key]).effects.map(({ type }) => type),
      ['say'],
    );
});
