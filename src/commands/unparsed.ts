import { exitCodes, Failure } from '../errors.ts';
import { Terminal } from '../terminal/terminal.ts';

interface OclifError extends Error {
  readonly oclif?: { readonly exit?: number };
  readonly code?: string;
}

/** @returns the code of oclif's own way to stop (`--help`, `--version`), which is an error only in form. */
export function exitCodeOf(error: unknown): number | undefined {
  return (error as OclifError).code === 'EEXIT' ? ((error as OclifError).oclif?.exit ?? 0) : undefined;
}

/** @returns what oclif refused (an unknown flag or command, a missing argument) as the usage failure that it is. */
export function asUsage(error: unknown, command: string | undefined): unknown {
  if (!(error instanceof Error) || (error as OclifError).oclif === undefined) return error;
  const [message = '', ...more] = error.message.replace(/\n?See more help with --help$/, '').split('\n');
  return new Failure('usage', message.trim(), {
    detail: more.length > 0 ? more.join('\n') : undefined,
    next: `stormctl ${command === undefined ? '' : `${command} `}--help`,
    cause: error,
  });
}

/** Prints an error that came before any command had parsed its flags. @returns the exit code. */
export function printUnparsed(error: unknown, argv: readonly string[]): number {
  const output = /(^| )(-o|--output)[ =]?json( |$)/.test(argv.join(' ')) ? 'json' : 'text';
  const terminal = new Terminal({
    output,
    detail: 'normal',
    noColor: argv.includes('--no-color'),
    timestamps: false,
    streams: false,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  });
  return terminal.fail(asUsage(error, undefined)) || exitCodes.bug;
}
