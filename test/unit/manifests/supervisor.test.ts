import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, test as nodeTest } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Interpreter, supervisedBy, supervisorCommand } from '../../../src/manifests/supervisor.ts';

const test = (name: string, run: () => Promise<void>) => void nodeTest(name, { timeout: 120_000 }, run);

/** Says who it is, tells which signals it gets, and ends with 7 when it is asked to. */
const polite = `
setImmediate(() => console.log('started', process.pid, process.argv.slice(1).join('|')));
for (const name of ['SIGHUP', 'SIGUSR2', 'SIGWINCH']) process.on(name, () => console.log(name));
process.on('SIGTERM', () => { console.log('asked to end'); process.exit(7); });
process.stdin.on('data', (data) => console.log('read', String(data).trim()));
setInterval(() => {}, 1000);
`;

const lasting = `process.on('SIGTERM', () => console.log('lasting')); console.log('started', process.pid);
setInterval(() => {}, 1000);`;

/** Ends with 6 when it is asked to; the process that it started does not end. */
const outlived = `
process.on('SIGTERM', () => process.exit(6));
process.on('exit', () => require('fs').writeSync(1, 'gone ' + process.pid + '\\n'));
require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(lasting)}], { stdio: 'inherit' });
`;

const program = (source: string, ...args: string[]) => [process.execPath, '-e', source, '--', ...args];

/** One that has ended, and that nobody has asked for, is not. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function nameOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

class Supervised implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly ended: Promise<number | null>;
  readonly #watchers = new Set<() => void>();

  /** @param alter what the source of the supervisor is given to. */
  constructor(
    interpreter: Interpreter,
    argv: readonly string[],
    env: NodeJS.ProcessEnv = {},
    alter = (source: string) => source,
  ) {
    const [command = '', flag = '', source = '', ...args] = supervisorCommand(interpreter);
    this.child = spawn(command, [flag, alter(source), ...args, ...argv], { env: { ...process.env, ...env } });
    for (const stream of [this.child.stdout, this.child.stderr])
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          this.lines.push(line);
          for (const look of this.#watchers) look();
        });
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  get pid(): number {
    return this.child.pid ?? assert.fail('it did not start');
  }

  /** Resolves with the nth line that matches. */
  async line(pattern: RegExp, nth = 0): Promise<string> {
    for (;;) {
      const found = this.lines.filter((line) => pattern.test(line))[nth];
      if (found !== undefined) return found;
      await new Promise<void>((resolve, reject) => {
        void this.ended.then((code) => reject(new Error(`it ended with ${code}: ${this.lines.join(', ')}`)));
        const look = () => {
          this.#watchers.delete(look);
          resolve();
        };
        this.#watchers.add(look);
      });
    }
  }

  /** Whom it supervises, as a look into /proc from outside tells. */
  supervised(): string | undefined {
    const folder = `/proc/${this.pid}/fd`;
    if (!existsSync(folder)) return undefined;
    return readdirSync(folder)
      .map((fd) => {
        try {
          return readlinkSync(`${folder}/${fd}`);
        } catch {
          return '';
        }
      })
      .find((target) => /^\/proc\/\d+$/.test(target));
  }

  /** A shell has taken the status of its process by then: bash may lose it to a signal that comes at that very moment. */
  waitsForGroup({ kind }: Interpreter): boolean {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').split(' ').filter(Boolean);
    return kind === 'node' || children.some((pid) => nameOf(pid) === 'sleep');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const group = this.supervised()?.slice('/proc/'.length);
    this.child.kill('SIGKILL');
    if (group) {
      try {
        process.kill(-Number(group), 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    await this.ended;
  }
}

const interpreters: readonly Interpreter[] = [
  { kind: 'sh', path: '/bin/sh' },
  ...(existsSync('/bin/bash') ? [{ kind: 'sh', path: '/bin/bash' } as const] : []),
  { kind: 'node', path: process.execPath },
];

for (const interpreter of interpreters)
  describe(`a supervisor in ${interpreter.path}`, { skip: process.platform !== 'linux' && 'it needs /proc' }, () => {
    test('a request starts the process again, with the same arguments and input, and nothing else ends', async () => {
      await using it = new Supervised(interpreter, program(polite, 'a b', '$HOME', '--flag'));
      const first = await it.line(/^started/);
      assert.match(first, /a b\|\$HOME\|--flag$/);
      const before = it.supervised();
      assert.equal(before, `/proc/${first.split(' ')[1]}`);
      it.child.kill('SIGURG');
      const second = await it.line(/^started/, 1);
      assert.deepEqual(it.lines.slice(0, 3), [first, 'asked to end', second]);
      assert.equal(it.supervised(), `/proc/${second.split(' ')[1]}`);
      assert.notEqual(it.supervised(), before);
      it.child.stdin?.write('hello\n');
      await it.line(/^read hello$/);
      assert.equal(it.child.exitCode, null);
    });

    test('a crash ends it with the exit code of the process, after a restart too', async () => {
      await using at = new Supervised(interpreter, program('process.exit(3)'));
      assert.equal(await at.ended, 3);
      await using later = new Supervised(
        interpreter,
        program(`${polite} process.on('SIGHUP', () => process.exit(4));`),
      );
      await later.line(/^started/);
      later.child.kill('SIGURG');
      await later.line(/^started/, 1);
      later.child.kill('SIGHUP');
      assert.equal(await later.ended, 4);
    });

    test('a process that a signal ends is 128 and its number, and one that is not there is 127', async () => {
      await using killed = new Supervised(interpreter, program("process.kill(process.pid, 'SIGKILL')"));
      assert.equal(await killed.ended, 137);
      await using absent = new Supervised(interpreter, ['/no/such/program']);
      assert.equal(await absent.ended, 127);
    });

    test('signals are passed on, and what asks it to end ends it', async () => {
      await using it = new Supervised(interpreter, program(polite));
      await it.line(/^started/);
      for (const name of ['SIGHUP', 'SIGUSR2', 'SIGWINCH'] as const) {
        it.child.kill(name);
        await it.line(new RegExp(`^${name}$`));
      }
      it.child.kill('SIGTERM');
      assert.equal(await it.ended, 7);
      assert.equal(it.lines.filter((line) => line === 'asked to end').length, 1);
    });

    test('a signal to end that comes during a restart ends it', async () => {
      const slow = `process.on('SIGTERM', () => { console.log('ending'); });
        process.on('SIGINT', () => process.exit(9)); console.log('started'); setInterval(() => {}, 1000);`;
      await using it = new Supervised(interpreter, program(slow));
      await it.line(/^started/);
      it.child.kill('SIGURG');
      await it.line(/^ending/);
      it.child.kill('SIGINT');
      assert.equal(await it.ended, 9);
      assert.equal(it.lines.filter((line) => line === 'started').length, 1);
    });

    test('a signal to end that comes when the process has gone, and what it started has not, ends it', async () => {
      await using it = new Supervised(interpreter, program(outlived));
      await it.line(/^started/);
      it.child.kill('SIGURG');
      const gone = Number((await it.line(/^gone/)).split(' ')[1]);
      await it.line(/^lasting/);
      while (isRunning(gone) || !it.waitsForGroup(interpreter)) await setTimeout(10);
      it.child.kill('SIGTERM');
      const [code] = await once(it.child, 'exit');
      // In a container the end of its first process is that of all.
      process.kill(-gone, 'SIGKILL');
      assert.equal(code, 6);
      assert.equal(it.lines.filter((line) => line.startsWith('started')).length, 1);
    });

    test('what the process started ends with it at a restart, though nobody else passes signals on', async () => {
      const parent = `process.on('SIGTERM', () => process.exit(0));
        require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(polite)}], { stdio: 'inherit' });`;
      await using it = new Supervised(interpreter, program(parent));
      const first = await it.line(/^started/);
      it.child.kill('SIGURG');
      await it.line(/^started/, 1);
      assert.equal(isRunning(Number(first.split(' ')[1])), false);
    });

    test('its command is the same every time, is told from others, and has nothing that the kubelet replaces', async () => {
      const command = supervisorCommand(interpreter);
      assert.deepEqual(command, supervisorCommand({ ...interpreter }));
      assert.deepEqual(supervisedBy(command), interpreter);
      assert.doesNotMatch(command.join(' '), /\$\$|\$\(/);
    });
  });

/**
 * Nothing makes a real bash lose a status: this one's `wait` says what it says, and -1 from the nth call after the process
 * has ended on, which it says when every other child has ended. No function can return -1, so what reads `$?` reads a variable. A loop without an end ends with 99.
 */
const forgetful = (from: number) => (source: string) =>
  `calls=0
wait() {
  builtin wait "$@"; said=$?
  kill -s 0 "$1" 2>/dev/null && return
  calls=$((calls + 1))
  [ "$calls" -lt ${from} ] || { builtin wait; said=-1; }
  [ "$calls" -lt 1000 ] || exit 99
}
${source.replaceAll('$?', '$said')}`;

describe('a supervisor in a bash that has lost the status of its process', {
  skip: !existsSync('/bin/bash') && 'there is no bash',
}, () => {
  const bash = { kind: 'sh', path: '/bin/bash' } as const;

  test('ends with what was said before', async () => {
    await using it = new Supervised(bash, program('process.exit(3)'), {}, forgetful(2));
    assert.equal(await it.ended, 3);
  });

  test('ends as failed where nothing was said', async () => {
    await using it = new Supervised(bash, program('process.exit(3)'), {}, forgetful(1));
    assert.equal(await it.ended, 255);
  });

  test('ends at once when it is asked to, and not when the grace of a restart is over', async () => {
    await using it = new Supervised(bash, program(outlived), {}, forgetful(2));
    const lasting = Number((await it.line(/^started/)).split(' ')[1]);
    it.child.kill('SIGURG');
    const gone = Number((await it.line(/^gone/)).split(' ')[1]);
    while (isRunning(gone) || !it.waitsForGroup(bash)) await setTimeout(10);
    it.child.kill('SIGTERM');
    await once(it.child, 'exit');
    assert.equal(isRunning(lasting), true);
    process.kill(-gone, 'SIGKILL');
  });
});

describe('a signal that comes between two commands of a shell', () => {
  const sh = { kind: 'sh', path: '/bin/sh' } as const;
  /** Behind the first line, by which a supervisor is told from a program. */
  const sendOnce = '\nsent= ; send() { [ -n "$sent" ] || { sent=1; kill -s TERM "$$"; }; }\n';

  test('is not taken for what the process said', async () => {
    const alter = (source: string) =>
      source
        .replace('\n', () => sendOnce)
        .replace('; stormctl_last=$?', '; stormctl_last=$?; [ -n "$sent" ] || { send; stormctl_last=143; }');
    await using it = new Supervised(sh, program('process.exit(3)'), {}, alter);
    assert.equal(await it.ended, 3);
  });

  test('is for the next process when the one before is gone', async () => {
    const alter = (source: string) =>
      source
        .replace('\n', () => sendOnce)
        .replace('  stormctl_child= stormctl_again= ', '  send; stormctl_child= stormctl_again= ');
    await using it = new Supervised(sh, program(polite), {}, alter);
    await it.line(/^started/);
    it.child.kill('SIGURG');
    assert.equal(await it.ended, 143, 'before it has a handler for it');
  });
});

nodeTest('other commands are not supervised', () => {
  for (const command of [undefined, [], ['node', 'main.js'], ['sh', '-c', 'echo hello'], ['sh', '-c'], 'text'])
    assert.equal(supervisedBy(command), undefined);
});
