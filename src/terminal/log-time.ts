import { Failure } from '../errors.ts';

/**
 * How the time of a log line is shown: `default` as RFC 3339 with milliseconds and the zone, `short` as the time of day,
 * `full` with all nine decimals.
 */
export type TimeForm = 'default' | 'short' | 'full';
export const timeForms: readonly TimeForm[] = ['default', 'short', 'full'];

/** Writes the times of log lines in one zone. What is dear, the calendar, is asked once a second. */
export class LogClock {
  readonly #form: TimeForm;
  #calendar: Intl.DateTimeFormat | undefined;
  #second = '';
  #local = { date: '', time: '', zone: '' };

  /** @param zone an IANA name; undefined: the one of this machine. @throws Failure `usage` for a zone that is none. */
  constructor(form: TimeForm, zone: string | undefined) {
    this.#form = form;
    if (zone !== undefined) this.#calendar = checkedCalendar(zone);
  }

  /** @param stamp RFC 3339 in UTC with nanoseconds, as a LogReport has it. */
  format(stamp: string): string {
    const second = stamp.slice(0, 19);
    if (second !== this.#second) {
      this.#second = second;
      this.#local = this.#localOf(second);
    }
    const { date, time, zone } = this.#local;
    if (this.#form === 'short') return `${time}.${stamp.slice(20, 23)}`;
    return `${date}T${time}.${stamp.slice(20, this.#form === 'full' ? 29 : 23)}${zone}`;
  }

  #localOf(second: string): { readonly date: string; readonly time: string; readonly zone: string } {
    this.#calendar ??= calendarIn(undefined);
    const parts = this.#calendar.formatToParts(new Date(`${second}Z`));
    const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? '';
    const zone = of('timeZoneName').replace('GMT', '');
    return {
      date: `${of('year')}-${of('month')}-${of('day')}`,
      time: `${of('hour')}:${of('minute')}:${of('second')}`,
      zone: zone === '' || zone === '+00:00' ? 'Z' : zone,
    };
  }
}

function checkedCalendar(zone: string): Intl.DateTimeFormat {
  try {
    return calendarIn(zone);
  } catch (error) {
    throw new Failure('usage', `${zone} is no time zone`, {
      where: '--timezone',
      next: 'name one like Europe/Paris, or UTC',
      cause: error,
    });
  }
}

function calendarIn(timeZone: string | undefined): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', {
    ...(timeZone === undefined ? {} : { timeZone }),
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
  });
}
