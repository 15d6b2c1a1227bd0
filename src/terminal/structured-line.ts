import type { LogLevel } from '../events.ts';
import { levelOf, syslogLevelOf } from './log-level.ts';

/** A log line that a program wrote for machines, by the parts that people look for. */
export interface StructuredLine {
  /** The text before it, as it is. */
  readonly before: string;
  /** undefined where it names none, or one of its own making. */
  readonly level: LogLevel | undefined;
  /** The level as it is written. */
  readonly levelText: string | undefined;
  /** The part of the program that wrote it. */
  readonly logger: string | undefined;
  readonly message: string;
  /** A stack trace, or what else is told in lines. */
  readonly stack: string | undefined;
  /** All else, in its order, but for the time, the process and the host, which Kubernetes tells. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** All that it holds, as it is written. */
  readonly all: Readonly<Record<string, unknown>>;
}

type Role = 'level' | 'message' | 'time' | 'logger' | 'stack' | 'error';

/** By their names in lower case: pino, bunyan, winston, NestJS; zap, zerolog, logrus, slog; ECS, GELF, Serilog, OpenTelemetry. */
const roles: ReadonlyMap<string, Role> = new Map(
  Object.entries({
    level: ['level', 'lvl', 'severity', 'levelname', 'loglevel', 'log.level', '@l', 'severitytext', 'severity_text'],
    message: ['message', 'msg', 'short_message', '@message', '@m', '@mt'],
    time: ['time', 'ts', 'timestamp', '@timestamp', '@t', 't', 'datetime', 'asctime'],
    logger: ['logger', 'logger_name', 'loggername', 'log.logger', 'context'],
    stack: ['stack', 'stacktrace', 'stack_trace', 'errorverbose', 'error.stack_trace', 'full_message'],
    error: ['err', 'error', 'exception'],
  }).flatMap(([role, names]) => names.map((name) => [name, role as Role])),
);

/**
 * Finds the parts of a line by the names of its fields. @param before the text before it.
 * @returns undefined for what is no log line: one has two of a level, a message and a time.
 */
export function structure(all: Readonly<Record<string, unknown>>, before: string): StructuredLine | undefined {
  const found = new Map<Role, string>();
  const fields: Record<string, unknown> = {};
  for (const key in all) {
    const role = roles.get(key) ?? roles.get(key.toLowerCase());
    if (role !== undefined && !found.has(role) && fits(role, all[key])) found.set(role, key);
    else fields[key] = all[key];
  }
  // structlog's word, which others use for a field.
  if (!found.has('message') && typeof fields['event'] === 'string') {
    found.set('message', 'event');
    delete fields['event'];
  }
  if (['level', 'message', 'time'].filter((role) => found.has(role as Role)).length < 2) return undefined;
  dropProcess(fields);
  const value = (role: Role) => all[found.get(role) ?? ''];
  const level = value('level');
  const stack = value('stack');
  const error = takeError(found.get('error'), value('error'), fields);
  return {
    before,
    level: typeof level === 'number' && level < 8 ? syslogLevelOf(level) : levelOf(level),
    levelText: level === undefined ? undefined : asText(level),
    logger: value('logger') as string | undefined,
    message: asText(value('message') ?? error.message ?? ''),
    stack: typeof stack === 'string' ? stack : error.stack,
    fields,
    all,
  };
}

/** Whether a value is what a role asks for: what has the name alone is a field. */
function fits(role: Role, value: unknown): boolean {
  switch (role) {
    case 'level':
      return typeof value === 'string' || typeof value === 'number';
    case 'time':
      return typeof value === 'number' || (typeof value === 'string' && /^\d/.test(value));
    case 'logger':
    case 'stack':
      return typeof value === 'string' && value !== '';
    case 'message':
    case 'error':
      return value !== null && value !== undefined;
  }
}

/** pino and bunyan name the process and its host in every line; a host alone may be any that the line is about. */
function dropProcess(fields: Record<string, unknown>): void {
  const { pid, v } = fields;
  if (typeof pid !== 'number') return;
  delete fields['pid'];
  delete fields['hostname'];
  if (v === 0 || v === 1) delete fields['v'];
}

/** Takes message and stack out of an error, and leaves in the fields what it says besides. */
function takeError(
  key: string | undefined,
  error: unknown,
  fields: Record<string, unknown>,
): { readonly message?: string; readonly stack?: string } {
  if (key === undefined) return {};
  if (typeof error === 'string' && error.includes('\n')) return { stack: error };
  if (typeof error !== 'object' || error === null) {
    fields[key] = error;
    return {};
  }
  const { stack, message, type, name, ...rest } = error as Record<string, unknown>;
  const head = [type ?? name, message].filter((part) => typeof part === 'string' && part !== '').join(': ');
  for (const [part, value] of Object.entries(rest)) fields[`${key}.${part}`] = value;
  const told = typeof stack === 'string' && stack !== '' ? stack : undefined;
  // A stack that does not begin with the error, as V8's does, is told below it.
  const whole =
    told === undefined || (typeof message === 'string' && told.includes(message)) ? told : `${head}\n${told}`;
  if (whole === undefined && head !== '') fields[key] = head;
  return {
    ...(typeof message === 'string' ? { message } : {}),
    ...(whole === undefined ? {} : { stack: whole }),
  };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
