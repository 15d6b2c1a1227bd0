import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalArgv } from '../../../src/commands/normal-argv.ts';
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
  ['apply', 'there is no command apply', 'did you mean stormctl deploy?'],
  ['down', 'there is no command down', 'did you mean stormctl delete?'],
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

const flags = {
  tail: { type: 'option', helpValue: 'N' },
  output: { type: 'option' },
  follow: { type: 'boolean', allowNo: true },
  level: { type: 'option' },
};

for (const [said, message, next] of [
  ['Nonexistent flag: --tial\nSee more help with --help', 'there is no flag --tial', 'did you mean --tail?'],
  ['Nonexistent flag: --no-folow', 'there is no flag --no-folow', 'did you mean --no-follow?'],
  ['Nonexistent flags: --frobnicate, -x', 'there is no flag --frobnicate, -x', 'stormctl cluster create --help'],
  [
    'Parsing --tail \n\tExpected an integer but received: abc\nSee more help with --help',
    '--tail abc is no whole number',
    'stormctl cluster create --help',
  ],
  [
    'Parsing --agents \n\tExpected an integer less than or equal to 16 but received: 99',
    '--agents 99 is too large: 16 at the most',
    'stormctl cluster create --help',
  ],
  ['Flag --tail expects a value', '--tail needs a value: --tail N', 'stormctl cluster create --help'],
  [
    'Flag --output expects one of these values: text, json',
    '--output needs a value: text, json',
    'stormctl cluster create --help',
  ],
  [
    'Expected --level=wran to be one of: info, warn',
    '--level wran is none of info, warn',
    'did you mean --level warn?',
  ],
  [
    'The following error occurred:\n  \u001B[2m--verbose=true cannot also be provided when using --quiet\u001B[22m',
    '--quiet and --verbose exclude each other',
    'leave one of them out',
  ],
  [
    'Missing 1 required arg:\nname  the cluster\n\nNote: --port allows multiple values.',
    'NAME is missing: the cluster',
    'stormctl cluster create --help',
  ],
  ['Something new', 'Something new', 'stormctl cluster create --help'],
] as const)
  test(`what oclif refuses is told as: ${message}`, () => {
    const told = factsOf(asUsage(refused(said), { id: 'cluster:create', flags }));
    assert.deepEqual(told, { kind: 'usage', message, detail: undefined, next });
  });

test('a flag that takes a value or none is read as people write it', () => {
  const read = (...argv: string[]) => normalArgv(argv, { ...flags, timestamps: { type: 'option' } });
  assert.deepEqual(read('--timestamps', '-t', 'a'), ['--timestamps=default', '--timestamps=default', 'a']);
  assert.deepEqual(read('--color', 'always', '--color', 'web'), ['--color', 'always', '--color=always', 'web']);
  assert.deepEqual(read('--no-color'), ['--color=never']);
  assert.deepEqual(read('--follow=false', '--follow=true', '--tail=true'), ['--no-follow', '--follow', '--tail=true']);
  assert.deepEqual(read('a', '--', '--color', '-t'), ['a', '--', '--color', '-t']);
  assert.deepEqual(normalArgv(['-t'], flags), ['-t']);
});

test('an error that is not oclif’s own is left alone', () => {
  const bug = new TypeError('x is not a function');
  assert.equal(asUsage(bug), bug);
});
