import { Flags } from '@oclif/core';
import { Failure } from '../errors.ts';
import { parseDuration } from '../lib/duration.ts';
import { type LogChoice, usualLimits, usualLines, usualMinutes, wholeName } from '../logs/log-choice.ts';
import { readPattern } from './read-pattern.ts';

const several = { multiple: true, multipleNonGreedy: true } as const;

/** What of whose logs is shown. */
export const queryFlags = {
  selector: Flags.string({
    char: 'l',
    description: 'pods with these labels, of any project, as app=web,tier!=db',
    helpValue: 'LABELS',
    helpGroup: 'POD',
  }),
  'all-namespaces': Flags.boolean({ char: 'A', description: 'pods of every namespace', helpGroup: 'POD' }),
  container: Flags.string({
    char: 'c',
    description: 'only containers of this name; a regular expression for the whole of it; several times',
    helpValue: 'NAME',
    helpGroup: 'POD',
    ...several,
  }),
  'exclude-container': Flags.string({
    description: 'not the containers of this name',
    helpValue: 'NAME',
    helpGroup: 'POD',
    ...several,
  }),
  follow: Flags.boolean({
    description: 'go on with what is written, and with pods that come (default)',
    allowNo: true,
  }),
  since: Flags.string({
    description: `how far back: 90s, 5m, 1h, or a time as 2026-01-31T12:00:00Z (default: ${usualMinutes}m)`,
    helpValue: 'TIME',
  }),
  tail: Flags.integer({
    description: `how many lines of each container that is there; -1 for all (default: ${usualLines})`,
    helpValue: 'N',
  }),
  previous: Flags.boolean({
    char: 'p',
    description: 'the last run that is over, of containers that crashed or were restarted; does not follow',
  }),
  include: Flags.string({
    description:
      'only lines that this regular expression matches, as they are shown or written; several times: any of them',
    helpValue: 'REGEX',
    ...several,
  }),
  exclude: Flags.string({
    description:
      'not the lines that this regular expression matches, as they are shown or written; several times: none of them',
    helpValue: 'REGEX',
    ...several,
  }),
};

export interface QueryValues {
  readonly container?: readonly string[] | undefined;
  readonly 'exclude-container'?: readonly string[] | undefined;
  readonly follow?: boolean | undefined;
  readonly since?: string | undefined;
  readonly tail?: number | undefined;
  readonly previous?: boolean | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
}

/** @param now as `Date.now()` tells it. @throws Failure `usage` that names the flag. */
export function readChoice(values: QueryValues, now: number): LogChoice {
  const { follow, previous = false, include = [], exclude = [] } = values;
  if (previous && follow === true)
    throw new Failure('usage', '--previous can not be followed: that run is over', {
      where: '--previous',
      next: 'leave one of --previous and --follow out',
    });
  const names = (flag: string, all: readonly string[] = []) => all.map((name) => wholeName(readPattern(flag, name)));
  return {
    follow: follow ?? !previous,
    previous,
    start: readStart(values, now),
    include: include.map((text) => readPattern('--include', text)),
    exclude: exclude.map((text) => readPattern('--exclude', text)),
    containers: names('--container', values.container),
    notContainers: names('--exclude-container', values['exclude-container']),
  };
}

function readStart({ since, tail, previous = false }: QueryValues, now: number): LogChoice['start'] {
  if (tail !== undefined && tail < -1)
    throw new Failure('usage', `--tail ${tail} is no number of lines`, { where: '--tail', next: '-1 shows all' });
  if (since === undefined && tail === undefined) {
    const limits = usualLimits(now);
    return previous ? { tailLines: limits.tailLines } : limits;
  }
  return {
    ...(since === undefined ? {} : { sinceTime: readSince(since, now) }),
    ...(tail === undefined || tail < 0 ? {} : { tailLines: tail }),
  };
}

const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

function readSince(since: string, now: number): string {
  const ms = parseDuration(since);
  const time = ms === undefined ? (timeForm.test(since) ? Date.parse(since) : Number.NaN) : now - ms;
  const wrong = (what: string) =>
    new Failure('usage', `--since ${since} ${what}`, {
      where: '--since',
      next: 'write how long ago, as 90s, 5m or 48h, or when, with its zone: 2026-01-31T12:00:00Z',
    });
  if (Number.isNaN(time) || time < 0) throw wrong('is neither a duration nor a time');
  if (time > now) throw wrong('has not come yet');
  return new Date(time).toISOString();
}
