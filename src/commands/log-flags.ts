import { Flags } from '@oclif/core';
import { Failure } from '../errors.ts';
import type { LogLevel } from '../events.ts';
import { levels } from '../terminal/log-level.ts';
import type { LogLook } from '../terminal/log-lines.ts';
import { compileTemplate } from '../terminal/log-template.ts';
import { LogClock, type TimeForm, timeForms } from '../terminal/log-time.ts';
import { outputFlag } from './output-flag.ts';
import { readPattern } from './read-pattern.ts';

/** Of every command that shows log lines. */
export const logFlags = {
  'show-secrets': Flags.boolean({
    description: 'do not mask the values of Secrets, and read none',
    helpGroup: 'DISPLAY',
  }),
  timestamps: Flags.string({
    char: 't',
    description: 'show when each line was written; alone or as --timestamps=FORM',
    options: [...timeForms],
    helpValue: '[default|short|full]',
    helpGroup: 'DISPLAY',
  }),
  timezone: Flags.string({
    description: 'the time zone of --timestamps, as Europe/Paris or UTC (default: that of this machine)',
    helpValue: 'ZONE',
    helpGroup: 'DISPLAY',
  }),
  highlight: Flags.string({
    description: 'mark what matches a regular expression; may be given several times',
    helpValue: 'REGEX',
    helpGroup: 'DISPLAY',
    multiple: true,
    multipleNonGreedy: true,
  }),
  level: Flags.string({
    description: 'show only lines from this level on, and those that name none (default: logs.level of the config)',
    options: [...levels],
    helpValue: `<${levels.join('|')}>`,
    helpGroup: 'DISPLAY',
  }),
};

/** Of commands whose lines may go to another program. */
export const formFlags = {
  output: outputFlag(
    ['text', 'json', 'raw'],
    'text; json: an object a line; raw: log lines as they were written, and all else on standard error',
  ),
  template: Flags.string({
    description: `log lines as '{{service}} {{message}}'; an unknown name lists those that there are`,
    helpValue: 'TEXT',
    helpGroup: 'DISPLAY',
  }),
};

interface LookValues {
  readonly timestamps?: string | undefined;
  readonly timezone?: string | undefined;
  readonly highlight?: readonly string[] | undefined;
  readonly level?: string | undefined;
  readonly output: string;
  readonly template?: string | undefined;
}

/** @throws Failure `usage` for a zone, a regular expression or a template that is none. */
export function readLook({ timestamps, timezone, highlight = [], level, output, template }: LookValues): LogLook {
  if (template !== undefined && output !== 'text')
    throw new Failure('usage', `--template and -o ${output} exclude each other`, { where: '--template' });
  return {
    form: template === undefined ? (output === 'raw' ? 'raw' : 'text') : compileTemplate(template),
    level: level as LogLevel | undefined,
    clock: new LogClock((timestamps ?? 'default') as TimeForm, timezone),
    showsTime: timestamps !== undefined,
    highlight: highlight.map((text) => readPattern('--highlight', text, 'gu')),
  };
}
