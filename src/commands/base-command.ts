import { Command, Flags, type Interfaces } from '@oclif/core';
import { exitCodes, Failure, isAbort } from '../errors.ts';
import { LinkedSignal } from '../lib/abort.ts';
import { parseDuration } from '../lib/duration.ts';
import { Mask } from '../lib/mask.ts';
import { allOf } from '../terminal/format-failure.ts';
import { type LogLook, plainLook } from '../terminal/log-lines.ts';
import { type ColourChoice, colourChoices } from '../terminal/style.ts';
import { Terminal } from '../terminal/terminal.ts';
import { maskFailure, maskTexts } from '../up/mask-reports.ts';
import { Interrupts } from './interrupts.ts';
import { normalArgv } from './normal-argv.ts';
import { outputFlag } from './output-flag.ts';
import { asUsage } from './unparsed.ts';

const globalFlags = {
  file: Flags.string({
    char: 'f',
    description: 'the stormctl.yaml to use (default: here or in a folder above)',
    helpGroup: 'GLOBAL',
  }),
  env: Flags.string({
    char: 'e',
    description: 'the environment of the config to lay over it',
    env: 'STORMCTL_ENV',
    helpGroup: 'GLOBAL',
  }),
  namespace: Flags.string({ char: 'n', description: 'the namespace for objects that name none', helpGroup: 'GLOBAL' }),
  context: Flags.string({
    description: 'the kubeconfig context to use; it cannot lift the guard',
    helpGroup: 'GLOBAL',
  }),
  output: outputFlag(
    ['text', 'json'],
    'text, or json: one object, or a line for each report from dev, logs and forward',
  ),
  verbose: Flags.boolean({ char: 'v', description: 'show every step, and the output of builds', helpGroup: 'GLOBAL' }),
  quiet: Flags.boolean({
    char: 'q',
    description: 'show only logs, warnings, failures, what is pruned, and the result',
    exclusive: ['verbose'],
    helpGroup: 'GLOBAL',
  }),
  yes: Flags.boolean({ char: 'y', description: 'answer every question with yes', helpGroup: 'GLOBAL' }),
  timeout: Flags.string({
    description: 'how long to wait until all is ready, or gone, as 90s or 5m',
    helpGroup: 'GLOBAL',
  }),
  color: Flags.string({
    description: 'when to use colours; NO_COLOR and FORCE_COLOR are heeded; --color alone: always, --no-color: never',
    options: [...colourChoices],
    helpValue: colourChoices.join('|'),
    default: 'auto',
    helpGroup: 'GLOBAL',
  }),
};

export interface GlobalOptions {
  readonly file: string | undefined;
  readonly environment: string | undefined;
  readonly namespace: string | undefined;
  readonly context: string | undefined;
  readonly json: boolean;
  /** `--show-secrets`, of the commands that have it. */
  readonly showSecrets: boolean;
  readonly yes: boolean;
  readonly timeoutMs: number | undefined;
}

/** What a command is given to run with. */
export interface Invocation {
  readonly options: GlobalOptions;
  readonly terminal: Terminal;
  /** Knows no value until the project's Secrets are read. What ends the command with an error is masked by it. */
  readonly mask: Mask;
  /** Aborted by the first Ctrl+C, SIGTERM or SIGHUP, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Tells what an end that is not the command's own leaves behind, and the command that removes it. */
  readonly leaves: (describe: () => readonly string[]) => void;
  /** What `-o json` tells besides the error when the command ends with one. */
  readonly tells: (facts: () => Readonly<Record<string, unknown>>) => void;
  /** Does what Ctrl+C does, for keyboards that send it as a key. */
  readonly interrupt: () => void;
}

/** Of each by itself: a command may have a flag of every command with forms of its own. */
export type CommandFlags<T extends typeof Command> = Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags']> &
  Interfaces.InferredFlags<T['flags']>;
export type CommandArgs<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

interface Telling {
  readonly tellLeft: () => void;
  readonly factsOf: () => Readonly<Record<string, unknown>>;
}

/** A command: its flags become typed options, one call does the work, and errors become one message and an exit code. */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override baseFlags = globalFlags;
  protected flags!: CommandFlags<T>;
  protected args!: CommandArgs<T>;
  protected words: readonly string[] = [];

  /** Whether `-o json` prints a line for every report instead of one object at the end. */
  protected get streams(): boolean {
    return false;
  }

  /** How log lines look. @throws Failure `usage` for what can't be understood. */
  protected get look(): LogLook {
    return plainLook;
  }

  /** Does the command's work. @returns the exit code. An abort may throw: the code is the signal's then. */
  protected abstract execute(invocation: Invocation): Promise<number>;

  override async run(): Promise<void> {
    const command = this.ctor as typeof BaseCommand;
    const known = { ...command.baseFlags, ...this.ctor.flags };
    this.argv = normalArgv(this.argv, known);
    const parsed = await this.parse({
      flags: this.ctor.flags,
      baseFlags: command.baseFlags,
      args: this.ctor.args,
      strict: this.ctor.strict,
    });
    this.flags = parsed.flags as CommandFlags<T>;
    this.args = parsed.args as CommandArgs<T>;
    this.words = parsed.argv as string[];
    const mask = new Mask();
    using terminal = this.#openTerminal(this.streams, mask);
    using interrupts = new Interrupts();
    using ending = new LinkedSignal(interrupts.signal, terminal.closed);
    const { signal } = ending;
    let tellLeft = () => {};
    let factsOf = (): Readonly<Record<string, unknown>> => ({});
    const invocation: Invocation = {
      options: this.#options(),
      terminal,
      mask,
      signal,
      env: process.env,
      cwd: process.cwd(),
      leaves: (describe) => {
        tellLeft = () => terminal.report({ type: 'session.ended', left: describe() });
      },
      tells: (facts) => {
        factsOf = facts;
      },
      interrupt: () => interrupts.interrupt(),
    };
    process.exitCode = await Promise.race([
      this.#finish(invocation, interrupts, { tellLeft: () => tellLeft(), factsOf: () => factsOf() }),
      interrupts.second.then((code) => {
        tellLeft();
        return code;
      }),
    ]);
  }

  /** Flags that do not parse never reach `run`'s own handling. */
  protected override async catch(error: Error): Promise<void> {
    throw asUsage(error, { id: this.id, flags: { ...globalFlags, ...this.ctor.flags } });
  }

  async #finish(invocation: Invocation, interrupts: Interrupts, { tellLeft, factsOf }: Telling): Promise<number> {
    try {
      const code = await this.execute(invocation);
      return interrupts.exitCode ?? code;
    } catch (error) {
      const { terminal, mask, signal } = invocation;
      const isAborted = isAbort(error) && signal.aborted;
      if (interrupts.exitCode === undefined)
        return isAborted ? exitCodes.done : terminal.fail(maskFailure(error, mask), factsOf());
      // What Ctrl+C asked for could not be done: with the cluster away nothing can be taken down.
      for (const { kind, message, where, detail, next } of isAborted ? [] : allOf(maskFailure(error, mask)))
        terminal.report({ type: 'failed', kind, message, where, detail, next });
      tellLeft();
      return interrupts.exitCode;
    }
  }

  #options(): GlobalOptions {
    const { file, env, namespace, context, output, yes, timeout } = this.flags;
    const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
    if (timeout !== undefined && timeoutMs === undefined)
      throw new Failure('usage', `--timeout ${timeout} is no duration`, { next: 'write it as 90s, 5m or 1h' });
    const showSecrets = 'show-secrets' in this.flags && this.flags['show-secrets'] === true;
    return { file, environment: env, namespace, context, json: output === 'json', showSecrets, yes, timeoutMs };
  }

  #openTerminal(streams: boolean, mask: Mask): Terminal {
    // oclif throws what a closed window says (EIO), which would end the process before it has taken anything down. The
    // terminal listens in its place.
    process.stdout.removeAllListeners('error');
    const { output, verbose, quiet, color } = this.flags;
    return new Terminal({
      output: output === 'json' ? 'json' : 'text',
      detail: verbose ? 'verbose' : quiet ? 'quiet' : 'normal',
      colour: color as ColourChoice,
      look: this.look,
      streams,
      hide: (said) => maskTexts(said, mask),
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
    });
  }
}
