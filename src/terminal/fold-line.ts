import type { LogLevel } from '../events.ts';
import { cutToCells } from './cell-width.ts';
import { contain, hasControls } from './contain-controls.ts';
import type { StructuredLine } from './structured-line.ts';
import type { Style } from './style.ts';

type Field = readonly [name: string, value: unknown];

/** How many cells of a value are shown on a terminal. */
const valueCells = 120;
const bare = /^[^\s"'={}[\]]+$/;

/**
 * @returns level, message and fields as people read them, and below them, indented, what has lines of its own: a stack
 * trace.
 *
 * @param chosen the fields that are shown, also `req.url` of one in another; undefined: all.
 * @param cuts whether long values are cut.
 */
export function foldLine(
  structured: StructuredLine,
  {
    style,
    chosen,
    cuts,
  }: { readonly style: Style; readonly chosen: readonly string[] | undefined; readonly cuts: boolean },
): readonly string[] {
  const { before, logger, message, stack } = structured;
  const clean = (text: string) => (hasControls(text) ? contain(text, { colours: style.colours }).text : text);
  const [first = '', ...more] = message.split('\n');
  const fields = fieldsOf(structured, chosen)
    .map((field) => clean(cuts ? cutToCells(formatField(field), valueCells) : formatField(field)))
    .join(' ');
  const head = [
    ...(before === '' ? [] : [clean(before.trimEnd())]),
    ...levelOf(structured, style),
    ...(logger === undefined ? [] : [style.dim(clean(`[${logger}]`))]),
    ...(first === '' ? [] : [clean(first)]),
    ...(fields === '' ? [] : [style.dim(fields)]),
  ].join(' ');
  const below = (stack ?? '').split('\n').filter((line) => line.trim() !== '');
  return [
    head,
    ...more.map((line) => `    ${clean(line)}`),
    ...below.map((line, index) => `    ${index === 0 ? clean(line) : style.dim(clean(line))}`),
  ];
}

function levelOf({ level, levelText }: StructuredLine, style: Style): readonly string[] {
  if (level !== undefined) return [paints[level](style, level.toUpperCase().padEnd(5))];
  return levelText === undefined ? [] : [style.bold(levelText.replaceAll(/\s+/g, ' '))];
}

const paints: Readonly<Record<LogLevel, (style: Style, text: string) => string>> = {
  trace: (style, text) => style.dim(text),
  debug: (style, text) => style.dim(text),
  info: (style, text) => style.paint('green', text),
  warn: (style, text) => style.paint('yellow', text),
  error: (style, text) => style.paint('red', text),
  fatal: (style, text) => style.inverse(style.paint('red', text)),
};

function fieldsOf({ fields, all }: StructuredLine, chosen: readonly string[] | undefined): readonly Field[] {
  if (chosen === undefined) return Object.entries(fields);
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
  return fields.map(formatField).join(' ');
}

function formatField([name, value]: Field): string {
  return `${name}=${typeof value === 'string' && bare.test(value) ? value : JSON.stringify(value)}`;
}
