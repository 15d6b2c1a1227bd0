import { stripVTControlCharacters } from 'node:util';
import { exitCodes, Failure } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { ColourChoice } from '../terminal/style.ts';
import { Terminal } from '../terminal/terminal.ts';
import { inOurWords, type KnownFlags } from './refusal-words.ts';

interface OclifError extends Error {
  readonly oclif?: { readonly exit?: number };
  readonly code?: string;
}

/** @returns the code of oclif's own way to stop (`--help`, `--version`), which is an error only in form. */
export function exitCodeOf(error: unknown): number | undefined {
  return (error as OclifError).code === 'EEXIT' ? ((error as OclifError).oclif?.exit ?? 0) : undefined;
}

/** The command that refused, and its flags. */
export interface RefusedCommand {
  readonly id: string | undefined;
  readonly flags: KnownFlags;
}

/** @returns what oclif refused (an unknown flag or command, a missing argument) as the usage failure that it is. */
export function asUsage(error: unknown, command?: RefusedCommand): unknown {
  if (!(error instanceof Error) || (error as OclifError).oclif === undefined) return error;
  const said = stripVTControlCharacters(error.message).replace(/\n?See more help with --help$/, '');
  const lines = said.split('\n');
  // oclif puts what happened below this headline, which says nothing.
  if (lines.length > 1 && /^The following errors? occurred:$/.test(lines[0] ?? '')) lines.shift();
  // Below an empty line it explains how it reads arguments.
  const end = lines.indexOf('');
  const told = lines.slice(0, end < 0 ? undefined : end).map((line) => line.trim());
  const { message, detail, next } = inOurWords(told.join('\n'), command?.flags ?? {});
  return new Failure('usage', message, { detail, next: next ?? helpOf(command?.id), cause: error });
}

/**
 * @returns an unknown command as the usage failure that it is, with the nearest known one; any other error as it is.
 * @param known commands by their names with spaces: `cluster create`.
 */
export function asUnknownCommand(error: unknown, known: readonly string[]): unknown {
  const id = error instanceof Error ? /^command (\S+) not found$/.exec(error.message)?.[1] : undefined;
  if (id === undefined) return error;
  const words = id.split(':');
  // oclif takes the arguments of a command that has none for the name of a longer one.
  const taken = known.find((name) => words.length > 1 && `${words.join(' ')} `.startsWith(`${name} `));
  if (taken !== undefined) {
    const rest = words.slice(taken.split(' ').length).join(' ');
    return new Failure('usage', `${taken} takes no arguments: ${rest}`, { next: helpOf(taken), cause: error });
  }
  const near = nearest(words.join(' '), known) ?? meant.get(words[0] ?? '');
  return new Failure('usage', `there is no command ${words.join(' ')}`, {
    next: near ? `did you mean stormctl ${near}?` : helpOf(undefined),
    cause: error,
  });
}

/** What other tools call it. */
const meant = new Map([
  ...['apply', 'install', 'upgrade'].map((word) => [word, 'deploy'] as const),
  ...['down', 'destroy', 'remove', 'rm', 'stop', 'uninstall'].map((word) => [word, 'delete'] as const),
  ...['up', 'start', 'watch', 'debug'].map((word) => [word, 'dev'] as const),
  ...['ps', 'get', 'ls', 'list'].map((word) => [word, 'status'] as const),
  ['template', 'render'],
  ['port-forward', 'forward'],
]);

function helpOf(command: string | undefined): string {
  return `stormctl ${command === undefined ? '' : `${command.replaceAll(':', ' ')} `}--help`;
}

/** Prints an error that came before any command had parsed its flags. @returns the exit code. */
export function printUnparsed(error: unknown, argv: readonly string[], known: readonly string[]): number {
  const output = /(^| )(-o|--output)[ =]?json( |$)/.test(argv.join(' ')) ? 'json' : 'text';
  const terminal = new Terminal({
    output,
    detail: 'normal',
    colour: colourOf(argv),
    streams: false,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  });
  return terminal.fail(asUsage(asUnknownCommand(error, known))) || exitCodes.bug;
}

function colourOf(argv: readonly string[]): ColourChoice {
  const { groups } = /(?:^| )--color(?:[ =](?<choice>always|never|auto))?(?: |$)/.exec(argv.join(' ')) ?? {};
  if (argv.includes('--no-color')) return 'never';
  return (groups?.['choice'] ?? (argv.includes('--color') ? 'always' : 'auto')) as ColourChoice;
}
