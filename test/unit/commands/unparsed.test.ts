import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asUnknownCommand, asUsage } from '../../../src/commands/unparsed.ts';
import { Failure } from '../../../src/errors.ts';

const known = ['build', 'cluster create', 'cluster delete', 'dev', 'render', 'run'];
const refused = (message: string) => Object.assign(new Error(message), { oclif: { exit: 2 } });

function factsOf(error: unknown) {
  assert.ok(error instanceof Failure);
  const { kind, message, detail, next } = error;
  return { kind, message, detail, next };
}

for (const [id, message, next] of [
  ['dve', 'there is no command dve', 'did you mean stormctl dev?'],
  ['cluster:creat', 'there is no command cluster creat', 'did you mean stormctl cluster create?'],
  ['frobnicate', 'there is no command frobnicate', 'stormctl --help'],
  ['render:hello', 'render takes no arguments: hello', 'stormctl render --help'],
  ['cluster:delete:a:b', 'cluster delete takes no arguments: a b', 'stormctl cluster delete --help'],
] as const)
  test(`${id} is told as: ${message}`, () => {
    const error = asUnknownCommand(refused(`command ${id} not found`), known);
    assert.deepEqual(factsOf(error), { kind: 'usage', message, detail: undefined, next });
  });

test('what is no unknown command stays as it is', () => {
  const error = refused('Nonexistent flag: --nope');
  assert.equal(asUnknownCommand(error, known), error);
});

test('a refused flag leads to the help of its command, as one types it', () => {
  const error = asUsage(refused('Nonexistent flag: --nope\nSee more help with --help'), 'cluster:create');
  assert.deepEqual(factsOf(error), {
    kind: 'usage',
    message: 'Nonexistent flag: --nope',
    detail: undefined,
    next: 'stormctl cluster create --help',
  });
});

test('a headline that says nothing, and a lecture on arguments, are left out', () => {
  const both = refused('The following error occurred:\n  --verbose=true cannot also be provided when using --quiet');
  assert.equal(factsOf(asUsage(both, 'run')).message, '--verbose=true cannot also be provided when using --quiet');
  const missing = refused('Missing 1 required arg:\nname  the cluster\n\nNote: --port allows multiple values.');
  assert.equal(factsOf(asUsage(missing, 'cluster:create')).detail, 'name  the cluster');
});

test('an error that is not oclif’s own is left alone', () => {
  const bug = new TypeError('x is not a function');
  assert.equal(asUsage(bug, 'run'), bug);
});
