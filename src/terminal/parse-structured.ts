import { stripVTControlCharacters } from 'node:util';
import { levelOf } from './log-level.ts';
import { parseLogfmt } from './parse-logfmt.ts';
import { structure, type StructuredLine } from './structured-line.ts';

const brace = 0x7b;
const closingBrace = 0x7d;
const bracket = 0x5b;
const escape = 0x1b;
/** More than a number holds exactly. */
const manyDigits = /\d{16}/;
/** A line needs more characters than these to go deeper than that. */
const longest = 1000;
const deepest = 200;

/**
 * @returns the parts of a line of JSON, also behind some text, of logfmt, or of NestJS's own form; undefined for any other.
 * Most lines are other ones: those are told by their first and last characters.
 */
export function parseStructured(line: string): StructuredLine | undefined {
  const json = line.charCodeAt(line.length - 1) === closingBrace ? parseJson(line) : undefined;
  if (json !== undefined) return json;
  const first = line.charCodeAt(0);
  if (first === bracket || first === escape) return parseNest(line);
  const fields = parseLogfmt(line);
  return fields === undefined ? undefined : structure(fields, '');
}

function parseJson(line: string): StructuredLine | undefined {
  const begin = line.charCodeAt(0) === brace ? 0 : line.indexOf('{"');
  if (begin < 0) return undefined;
  try {
    const value: unknown = JSON.parse(begin === 0 ? line : line.slice(begin));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const structured = structure(value as Record<string, unknown>, line.slice(0, begin));
    if (structured === undefined) return undefined;
    if (line.length > longest && isDeep(structured.fields, deepest)) return undefined;
    return manyDigits.test(line) && isRounded(structured.fields) ? undefined : structured;
  } catch {
    // It only looked like it.
    return undefined;
  }
}

/** Whether what is within what goes further than `left`: to write that out again would break the stack. */
function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isDeep(inner, left - 1));
}

/** Whether a number lost digits when it was read: such a line is shown as it is written. */
function isRounded(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(isRounded);
}

// `[Nest] 1  - 11/21/2026, 10:00:00 AM     LOG [Context] message +2ms`
// The time is short: without a limit a line of blanks would be looked through again from each of them.
const nest = /^\[[^\]]+\] \d+ +- [^[]{0,60}? +(LOG|ERROR|WARN|DEBUG|VERBOSE|FATAL) (?:\[([^\]]+)\] )?(.*)$/s;

function parseNest(line: string): StructuredLine | undefined {
  // Nest colours its name: what is coloured and begins with another letter is not looked at further.
  if (line.charCodeAt(line.charCodeAt(0) === escape ? line.indexOf('m') + 1 : 0) !== bracket) return undefined;
  const [, levelText, logger, message = ''] = nest.exec(stripVTControlCharacters(line)) ?? [];
  if (levelText === undefined) return undefined;
  return {
    before: '',
    level: levelOf(levelText),
    levelText,
    logger,
    message,
    stack: undefined,
    fields: [],
    stackFields: [],
    all: { level: levelText, context: logger, message },
  };
}
