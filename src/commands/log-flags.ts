import { Flags } from '@oclif/core';
import type { LogLook } from '../terminal/log-lines.ts';
import { LogClock, type TimeForm, timeForms } from '../terminal/log-time.ts';
import { readPattern } from './read-pattern.ts';

/** Of every command that shows log lines. */
export const logFlags = {
  'show-secrets': Flags.boolean({ description: "do not mask the values of the project's Secrets" }),
  timestamps: Flags.string({
    char: 't',
    description: 'show when each line was written; alone or as --timestamps=FORM',
    options: [...timeForms],
    helpValue: '[default|short|full]',
  }),
  timezone: Flags.string({
    description: 'the time zone of --timestamps, as Europe/Paris or UTC (default: that of this machine)',
    helpValue: 'ZONE',
  }),
  highlight: Flags.string({
    description: 'mark what matches a regular expression; may be given several times',
    helpValue: 'REGEX',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

interface LookValues {
  readonly timestamps?: string | undefined;
  readonly timezone?: string | undefined;
  readonly highlight?: readonly string[] | undefined;
}

/** @throws Failure `usage` for a zone or a regular expression that is none. */
export function readLook({ timestamps, timezone, highlight = [] }: LookValues): LogLook {
  return {
    clock: timestamps === undefined ? undefined : new LogClock(timestamps as TimeForm, timezone),
    highlight: highlight.map((text) => readPattern('--highlight', text, 'gu')),
  };
}

/** `--timestamps` alone means its first form: a value of a flag can't be left out otherwise. */
export function withTimeForm(argv: readonly string[], flags: object): string[] {
  if (!('timestamps' in flags)) return [...argv];
  const end = argv.indexOf('--');
  return argv.map((word, index) =>
    (word === '--timestamps' || word === '-t') && (end < 0 || index < end) ? '--timestamps=default' : word,
  );
}
