import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';

const read = (file: string) => readFileSync(file, 'utf8');

test('docs/commands.md is what the commands say of themselves', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/command-reference.mjs', '--print']);
  assert.ok(stdout === read('docs/commands.md'), 'a command or a flag was changed: run `npm run reference`');
});

test('every flag that the documents name is one of stormctl’s, unless it is said whose it is', () => {
  const known = new Set(
    [...read('docs/commands.md').matchAll(/`(?:-\w, )?--(\[no-\])?([\w-]+)/g)].flatMap(([, no, name]) =>
      no ? [`--${name}`, `--no-${name}`] : [`--${name}`],
    ),
  );
  // Of `COPY`; and what is read before flags are.
  const others = new Set(['--from', '--help', '--no-color']);
  for (const file of ['README.md', 'docs/config.md', 'docs/json.md', 'docs/exit-codes.md']) {
    const named = [...read(file).matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([flag]) => flag);
    const strange = named.filter((flag) => !known.has(flag) && !others.has(flag));
    assert.deepEqual([...new Set(strange)], [], file);
  }
});
