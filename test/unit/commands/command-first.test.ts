import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BaseCommand } from '../../../src/commands/base-command.ts';
import { commandFirst, valueFlags } from '../../../src/commands/command-first.ts';

for (const [line, expected] of [
  ['run web -n a', 'run web -n a'],
  ['--context k3d-a run', 'run --context k3d-a'],
  ['-n a -v --color always run web --tail', 'run web -n a -v --color always --tail'],
  ['--color run', 'run --color'],
  ['-o=json cluster create --agents 1', 'cluster create -o=json --agents 1'],
  ['--yes restart -- web', 'restart --yes -- web'],
  ['help', '--help'],
  ['help run', 'run --help'],
  ['help cluster create', 'cluster create --help'],
  ['--help', '--help'],
  ['', ''],
] as const)
  test(`stormctl ${line} is stormctl ${expected}`, () => {
    assert.equal(commandFirst(line.split(' ').filter(Boolean)).join(' '), expected);
  });

test('the flags that take the next word are those of every command', () => {
  const flags = Object.entries(BaseCommand.baseFlags).filter(
    ([name, { type }]) => type === 'option' && name !== 'color',
  );
  const names = flags.flatMap(([name, { char }]) => [`--${name}`, ...(char === undefined ? [] : [`-${char}`])]);
  assert.deepEqual([...valueFlags].sort(), names.sort());
});
