import type { LogLevel } from '../events.ts';
import { cutToCells } from './cell-width.ts';
import { contain, hasControls } from './contain-controls.ts';
import { levels } from './log-level.ts';
import { dotted, type Field, type StructuredLine } from './structured-line.ts';
import type { Style } from './style.ts';

/** How many cells of a value are shown on a terminal. */
const valueCells = 120;
const bare = /^[^\s"'={}[\]]+$/;

/** @returns what a structured line is shown as: one line, and what has lines of its own below it. */
export type Fold = (structured: StructuredLine, chosen: readonly string[] | undefined) => readonly string[];

/**
 * @returns a function that gives level, message and fields as people read them, and below them, indented, what has lines of
 * its own: a stack trace. It takes the fields that are shown, also `req.url` of one in another; undefined: all.
 * @param cuts whether long values are cut.
 */
export function createFold(style: Style, { cuts }: { readonly cuts: boolean }): Fold {
  const clean = (text: string) => (hasControls(text) ? contain(text, { colours: style.colours }).text : text);
  const labels = new Map(levels.map((level) => [level, paints[level](style, level.toUpperCase().padEnd(5))]));
  const format = cuts ? (field: Field) => cutToCells(formatField(field), valueCells) : formatField;
  const headOf = ({ before, level, levelText, logger }: StructuredLine, first: string, fields: string) => {
    const label = level === undefined ? levelText && style.bold(clean(levelText)) : labels.get(level);
    let head = before === '' ? '' : clean(before);
    if (label !== undefined) head += `${label} `;
    if (logger !== undefined) head += `${style.dim(clean(`[${logger}]`))} `;
    if (first !== '') head += `${clean(first)} `;
    if (fields !== '') head += style.dim(clean(fields));
    return head.trimEnd();
  };
  return (structured, chosen) => {
    const { message, stack } = structured;
    const shown = dotted(chosen === undefined ? structured.fields : choose(structured, chosen));
    const fields = shown.map(format).join(' ');
    if (stack === undefined && !message.includes('\n')) return [headOf(structured, message, fields)];
    const [first = '', ...more] = message.split('\n');
    const below = (stack ?? '').split('\n').filter((line) => line.trim() !== '');
    return [
      headOf(structured, first, fields),
      ...more.map((line) => `    ${clean(line)}`),
      ...below.map((line, index) => `    ${index === 0 ? clean(line) : style.dim(clean(line))}`),
    ];
  };
}

const paints: Readonly<Record<LogLevel, (style: Style, text: string) => string>> = {
  trace: (style, text) => style.dim(text),
  debug: (style, text) => style.dim(text),
  info: (style, text) => style.paint('green', text),
  warn: (style, text) => style.paint('yellow', text),
  error: (style, text) => style.paint('red', text),
  fatal: (style, text) => style.inverse(style.paint('red', text)),
};

function choose({ all }: StructuredLine, chosen: readonly string[]): readonly Field[] {
  return chosen.flatMap((name) => {
    const value = valueAt(all, name);
    return value === undefined ? [] : [[name, value] as const];
  });
}

/** @returns the field of that name, or the one that a path with dots leads to. */
export function valueAt(fields: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(fields, path)) return fields[path];
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const inner = Object.hasOwn(fields, path.slice(0, dot)) ? fields[path.slice(0, dot)] : undefined;
    if (typeof inner === 'object' && inner !== null)
      return valueAt(inner as Record<string, unknown>, path.slice(dot + 1));
  }
  return undefined;
}

/** @returns `a=1 b="two words"`. */
export function formatFields(fields: readonly Field[]): string {
  return dotted(fields).map(formatField).join(' ');
}

function formatField([name, value]: Field): string {
  return `${name}=${typeof value === 'string' && bare.test(value) ? value : JSON.stringify(value)}`;
}
