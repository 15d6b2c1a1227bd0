import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BaseCommand, type Invocation } from '../../../src/commands/base-command.ts';
import { exitCodes } from '../../../src/errors.ts';

let wasAborted: boolean | undefined;

class Watched extends BaseCommand<typeof Watched> {
  protected async execute({ signal }: Invocation): Promise<number> {
    process.stdout.emit('error', Object.assign(new Error('write EIO'), { code: 'EIO' }));
    wasAborted = signal.aborted;
    return exitCodes.done;
  }
}

test('a closed window, whose writes fail with EIO, aborts a command and does not crash it', async () => {
  await Watched.run([], import.meta.url);
  assert.equal(wasAborted, true);
  assert.equal(process.exitCode, exitCodes.done);
});
