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
  readonly fields: readonly Field[];
  /** The fields that `stack` is made of: what reads lines by their fields looks for them there. */
  readonly stackFields: readonly Field[];
  /** All that it holds, as it is written. */
  readonly all: Readonly<Record<string, unknown>>;
}

export type Field = readonly [name: string, value: unknown];

type Role = 'level' | 'message' | 'time' | 'logger' | 'stack' | 'error';

/** By their names: pino, bunyan, winston, NestJS; zap, zerolog, logrus, slog; ECS, GELF, Serilog, OpenTelemetry. */
const roles: ReadonlyMap<string, Role> = new Map(
  Object.entries({
    level: [
      'level',
      'lvl',
      'severity',
      'levelname',
      'loglevel',
      'log.level',
      '@l',
      'severityText',
      'severitytext',
      'severity_text',
    ],
    message: ['message', 'msg', 'short_message', '@message', '@m', '@mt'],
    time: ['time', 'ts', 'timestamp', '@timestamp', '@t', 't', 'datetime', 'asctime'],
    logger: ['logger', 'logger_name', 'loggerName', 'loggername', 'log.logger', 'context'],
    stack: ['stack', 'stacktrace', 'stack_trace', 'errorVerbose', 'errorverbose', 'error.stack_trace', 'full_message'],
    error: ['err', 'error', 'exception'],
  }).flatMap(([role, names]) => names.map((name) => [name, role as Role])),
);

const none: readonly Field[] = [];

/**
 * Finds the parts of a line by the names of its fields. @param before the text before it.
 * @returns undefined for what is no log line: one has two of a level, a message and a time.
 */
export function structure(all: Readonly<Record<string, unknown>>, before: string): StructuredLine | undefined {
  const found: Partial<Record<Role, unknown>> = {};
  const fields: Field[] = [];
  // pino and bunyan name the process and its host in every line; a host alone may be any that the line is about.
  const hasProcess = typeof all['pid'] === 'number';
  let errorKey = '';
  let stackKey = '';
  for (const key in all) {
    const value = all[key];
    const role = roleOf(key);
    if (role !== undefined && found[role] === undefined && fits(role, value)) {
      found[role] = value;
      if (role === 'error') errorKey = key;
      else if (role === 'stack') stackKey = key;
    } else if (!hasProcess || !isOfProcess(key, value)) fields.push([key, value]);
  }
  // structlog's word, which others use for a field.
  const event = found.message === undefined ? fields.findIndex(([name]) => name === 'event') : -1;
  if (event >= 0) [[, found.message]] = fields.splice(event, 1) as [Field];
  const { level, message, time, logger, stack } = found;
  const parts = (level === undefined ? 0 : 1) + (message === undefined ? 0 : 1) + (time === undefined ? 0 : 1);
  if (parts < 2) return undefined;
  const error = errorKey === '' ? {} : takeError(errorKey, found.error, fields);
  const stackFields = [...(error.fields ?? []), ...(stackKey === '' ? [] : [[stackKey, stack] as const])];
  return {
    before,
    level: typeof level === 'number' && level < 8 ? syslogLevelOf(level) : levelOf(level),
    levelText: level === undefined ? undefined : asText(level),
    logger: logger as string | undefined,
    message: asText(message ?? error.message ?? ''),
    stack: typeof stack === 'string' ? stack : error.stack,
    fields,
    stackFields: stackFields.length === 0 ? none : stackFields,
    all,
  };
}

/** What most are called in lower case, some begin with a capital. */
function roleOf(key: string): Role | undefined {
  const first = key.charCodeAt(0);
  return roles.get(first >= 0x41 && first <= 0x5a ? key.toLowerCase() : key);
}

function isOfProcess(key: string, value: unknown): boolean {
  return key === 'pid' || key === 'hostname' || (key === 'v' && (value === 0 || value === 1));
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

/** Takes message and stack out of an error, and leaves in the fields what it says besides. */
function takeError(
  key: string,
  error: unknown,
  fields: Field[],
): { readonly message?: string | undefined; readonly stack?: string | undefined; readonly fields?: readonly Field[] } {
  if (typeof error === 'string' && error.includes('\n')) return { stack: error, fields: [[key, error]] };
  if (typeof error !== 'object' || error === null) {
    fields.push([key, error]);
    return {};
  }
  const { stack, message, type, name, ...rest } = error as Record<string, unknown>;
  const head = [type ?? name, message].filter((part) => typeof part === 'string' && part !== '').join(': ');
  for (const [part, value] of Object.entries(rest)) fields.push([`${key}.${part}`, value]);
  const text = typeof message === 'string' ? message : undefined;
  if (typeof stack !== 'string' || stack === '') {
    if (head !== '') fields.push([key, head]);
    return { message: text };
  }
  // A stack that does not begin with the error, as V8's does, is told below it.
  const parts = Object.entries({ type, name, message, stack });
  return {
    message: text,
    stack: text !== undefined && stack.includes(text) ? stack : `${head}\n${stack}`,
    fields: parts.flatMap(([part, value]) => (value === undefined ? [] : [[`${key}.${part}`, value] as const])),
  };
}

/** @returns the fields with those of objects within them by names with dots: `req.method`. What is empty stays as it is. */
export function dotted(fields: readonly Field[]): readonly Field[] {
  return fields.some(([, value]) => isFilled(value)) ? fields.flatMap((field) => flatten(field)) : fields;
}

/** @returns all fields, those of a stack too, each by one name. */
export function allFields({ fields, stackFields }: StructuredLine): Readonly<Record<string, unknown>> {
  return Object.fromEntries(dotted([...fields, ...stackFields]));
}

/** Nobody looks for a name with more dots. */
const deepest = 6;

function flatten([name, value]: Field, depth = 0): readonly Field[] {
  if (depth === deepest || !isFilled(value)) return [[name, value]];
  return Object.entries(value).flatMap(([part, inner]) => flatten([`${name}.${part}`, inner], depth + 1));
}

function isFilled(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const _ in value) return true;
  return false;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
