import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BaseCommand, type Invocation } from '../../../src/commands/base-command.ts';
import { exitCodes, Failure } from '../../../src/errors.ts';
import { Pty } from '../../support/pty.ts';

const mode = process.env['STORMCTL_TEST_PTY'];

/** A command with a person before it that ends as the mode says; what it is asked for is how the test talks to it. */
class Attended extends BaseCommand<typeof Attended> {
  protected async execute({ terminal, signal, interrupt }: Invocation): Promise<number> {
    const asked = new Promise<void>((resolve) => {
      terminal.interact({ stdin: process.stdin, onAsked: () => resolve(), onInterrupt: interrupt });
    });
    terminal.report({ type: 'note', text: `width ${process.stdout.columns}` });
    // A session has a cluster that it listens to.
    const listening = setInterval(() => {}, 1000);
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await Promise.race([asked, aborted]);
    clearInterval(listening);
    if (mode === 'failure') throw new Failure('build', 'it does not build');
    if (mode === 'uncaught') setImmediate(() => uncaught());
    if (mode === 'stubborn') terminal.report({ type: 'note', text: 'will not end' });
    if (mode === 'uncaught' || mode === 'stubborn') await new Promise(() => {});
    return exitCodes.done;
  }
}

function uncaught(): never {
  throw new TypeError('nobody catches this');
}

if (mode === undefined) await runTests();
else {
  await Attended.run([], import.meta.url);
  process.exit();
}

async function runTests(): Promise<void> {
  const skip = (await Pty.isPossible()) ? false : 'python3 is not there';
  const drawn = /\? help/;
  const cases = [
    ['the end of the command', 'normal', [(pty: Pty) => pty.type('d')], 0, ''],
    ['a failure', 'failure', [(pty: Pty) => pty.type('d')], 3, 'it does not build'],
    ['an error that nobody catches', 'uncaught', [(pty: Pty) => pty.type('d')], 1, 'nobody catches this'],
    ['Ctrl+C', 'normal', [(pty: Pty) => pty.type('\u0003')], 130, ''],
    ['the key q', 'normal', [(pty: Pty) => pty.type('q')], 130, ''],
    ['a second Ctrl+C', 'stubborn', [(pty: Pty) => pty.type('\u0003'), (pty: Pty) => pty.type('\u0003')], 130, ''],
    ['SIGTERM', 'normal', [(pty: Pty) => pty.type('x'), (pty: Pty) => pty.kill('SIGTERM')], 143, ''],
    ['SIGHUP', 'normal', [(pty: Pty) => pty.type('x'), (pty: Pty) => pty.kill('SIGHUP')], 129, ''],
    ['Ctrl+C while a filter is typed', 'normal', [(pty: Pty) => pty.type('/ab\u0003')], 130, ''],
  ] as const;

  describe('the terminal is as it was after', { skip }, () => {
    for (const [what, how, steps, code, text] of cases)
      test(what, { timeout: 120_000 }, async () => {
        await using pty = start(how, { TERM: 'xterm', NO_COLOR: '1' });
        await pty.until(drawn);
        for (const [index, step] of steps.entries()) {
          if (index > 0) await pty.until(how === 'stubborn' ? /will not end/ : /x does nothing/);
          step(pty);
        }
        const end = await pty.ended();
        assert.deepEqual(end, { code, wasRaw: true, isRestored: true }, pty.output);
        const last = (sequence: string) => pty.output.lastIndexOf(sequence);
        assert.ok(last('\u001B[?25h') > last('\u001B[?25l'), 'the cursor is shown');
        assert.ok(last('\u001B[?2004l') > last('\u001B[?2004h'), 'brackets are off');
        assert.ok(last('\u001B[J') >= last('? help'), 'the status line is gone');
        assert.ok(last(text) >= last('\u001B[?25h') || text === '', 'what went wrong is told after that');
      });
  });

  test('Ctrl+Z gives the terminal to the shell, and fg takes it up again', { skip, timeout: 120_000 }, async () => {
    const script = '"$0" "$1"; stty -a; echo back; fg; echo over';
    const shell = ['bash', '--norc', '--noprofile', '-ic', script, process.execPath, import.meta.filename];
    await using pty = start('normal', { TERM: 'xterm', NO_COLOR: '1' }, shell);
    await pty.until(drawn);
    pty.type('/ab\u001A');
    await pty.until(/back/);
    const beforeShell = pty.output.slice(0, pty.output.indexOf('back'));
    assert.ok(beforeShell.includes('\u001B[?25h\u001B[?2004l'), 'the cursor is shown, and brackets are off');
    assert.match(beforeShell, / icanon/);
    await pty.until(/back[^]*\/ab/);
    pty.type('c');
    await pty.until(/back[^]*\/abc/);
    pty.type('\u0003');
    await pty.until(/over/);
    const end = await pty.ended();
    assert.deepEqual([end.wasRaw, end.isRestored], [true, true]);
  });

  describe('a terminal that can not be drawn on', { skip }, () => {
    test('with TERM=dumb gets plain lines, and keeps its modes', { timeout: 120_000 }, async () => {
      await using pty = start('normal', { TERM: 'dumb' });
      await pty.until(/width 60/);
      pty.type('\u0003');
      const end = await pty.ended();
      assert.deepEqual(end, { code: 130, wasRaw: false, isRestored: true });
      assert.doesNotMatch(pty.output.replaceAll(/[\r\n]/g, ''), /\p{Control}/u);
    });
  });

  function start(
    how: string,
    env: Readonly<Record<string, string>>,
    command: readonly string[] = [process.execPath, import.meta.filename],
  ): Pty {
    return new Pty(command, {
      columns: 60,
      rows: 20,
      env: { STORMCTL_TEST_PTY: how, FORCE_COLOR: undefined, NODE_TEST_CONTEXT: undefined, ...env },
    });
  }
}
