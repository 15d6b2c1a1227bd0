import type { LogLevel } from '../events.ts';

/** From the least urgent on. */
export const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

const words: ReadonlyMap<string, LogLevel> = new Map(
  Object.entries({
    trace: ['trace', 'trc', 'finest', 'finer', 'silly'],
    debug: ['debug', 'dbg', 'fine', 'verbose'],
    info: ['info', 'inf', 'information', 'informational', 'notice', 'log', 'http'],
    warn: ['warn', 'wrn', 'warning'],
    error: ['error', 'err', 'severe'],
    fatal: ['fatal', 'ftl', 'critical', 'crit', 'panic', 'dpanic', 'alert', 'emerg', 'emergency'],
  }).flatMap(([level, names]) => names.map((name) => [name, level as LogLevel])),
);

export function isAtLeast(level: LogLevel, least: LogLevel): boolean {
  return levels.indexOf(level) >= levels.indexOf(least);
}

/**
 * @returns the level that a structured line's value means: a word in any case, also slog's `INFO+2`, or a number as pino and
 * bunyan write it, 10 to 60; undefined for any other.
 */
export function levelOf(value: unknown): LogLevel | undefined {
  if (typeof value === 'string')
    return words.get(value.toLowerCase()) ?? words.get(value.toLowerCase().replace(/[+-]\d+$/, ''));
  if (typeof value !== 'number' || value < 10 || value > 69) return undefined;
  return levels[Math.floor(value / 10) - 1];
}

/** @returns what a number from 0 to 7 means to syslog (RFC 5424, 6.2.1), and so to GELF. */
export function syslogLevelOf(severity: number): LogLevel | undefined {
  return (['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug'] as const)[severity];
}

// A word that people write in capitals, or between brackets; klog's letter before the date.
const said =
  /\b(TRACE|DEBUG|VERBOSE|INFO|NOTICE|LOG|WARN|WARNING|ERROR|SEVERE|FATAL|CRITICAL|PANIC)\b|[[<](trace|debug|info|notice|warn|warning|error|crit|alert|emerg|fatal|TRC|DBG|INF|WRN|ERR|FTL)[\]>]/;
const klog = /^([IWEF])\d{4} \d\d:\d\d:\d\d/;
const klogLevels: ReadonlyMap<string, LogLevel> = new Map([
  ['I', 'info'],
  ['W', 'warn'],
  ['E', 'error'],
  ['F', 'fatal'],
]);

/** @returns the level that a line of plain text names in its beginning; undefined when it names none. */
export function levelInText(text: string): LogLevel | undefined {
  const [, letter] = klog.exec(text) ?? [];
  if (letter !== undefined) return klogLevels.get(letter);
  const [, capitals, bracketed] = said.exec(text.slice(0, 100)) ?? [];
  return levelOf(capitals ?? bracketed);
}
