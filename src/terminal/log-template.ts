import { Failure } from '../errors.ts';
import type { LogReport } from '../events.ts';
import { formatFields, valueAt } from './fold-line.ts';
import { allFields, type StructuredLine } from './structured-line.ts';

/** What a template is filled in with. */
interface TemplateValues {
  readonly log: LogReport;
  readonly structured: StructuredLine | undefined;
  readonly level: string | undefined;
  readonly time: string;
}

/** Writes one log line as a person asked. @param clean is asked of every value. */
export type LogTemplate = (values: TemplateValues, clean: (text: string) => string) => string;

type Getter = (values: TemplateValues) => unknown;

const getters: Readonly<Record<string, Getter>> = {
  service: ({ log }) => log.source,
  source: ({ log }) => log.source,
  namespace: ({ log }) => log.namespace,
  pod: ({ log }) => log.pod,
  container: ({ log }) => log.container,
  time: ({ time }) => time,
  level: ({ level }) => level,
  logger: ({ structured }) => structured?.logger,
  message: ({ log, structured }) => structured?.message ?? log.line,
  line: ({ log }) => log.line,
  fields: ({ structured }) => (structured === undefined ? {} : allFields(structured)),
};
const escapes: ReadonlyMap<string, string> = new Map([
  ['\\n', '\n'],
  ['\\t', '\t'],
  ['\\\\', '\\'],
]);

/**
 * Reads a template: text with names in it, `{{service}} {{message}}`, a dot before them or not; `{{fields.a.b}}` is a field of
 * a structured line, `{{json NAME}}` a value as JSON; `\n` and `\t` mean what they do elsewhere.
 *
 * @throws Failure `usage` for a name that is none, and for a brace that is never closed, with the place.
 */
export function compileTemplate(text: string): LogTemplate {
  const parts: (string | { readonly get: Getter; readonly json: boolean })[] = [];
  let at = 0;
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', at)) {
    const close = text.indexOf('}}', open);
    if (close < 0) throw wrong(text, open, 'the {{ there is never closed');
    parts.push(unescape(text.slice(at, open)));
    const [, json, name = ''] = /^\s*(json\s+)?\.?(.*?)\s*$/s.exec(text.slice(open + 2, close)) ?? [];
    parts.push({ get: getterOf(name, text, open), json: json !== undefined });
    at = close + 2;
  }
  parts.push(unescape(text.slice(at)));
  return (values, clean) =>
    parts.map((part) => (typeof part === 'string' ? part : clean(asText(part.get(values), part.json)))).join('');
}

function getterOf(name: string, text: string, open: number): Getter {
  if (name.startsWith('fields.')) {
    const path = name.slice('fields.'.length);
    return ({ structured }) => structured && valueAt(structured.all, path);
  }
  const getter = Object.hasOwn(getters, name) ? getters[name] : undefined;
  if (getter === undefined) throw wrong(text, open, `there is no ${name === '' ? 'name' : `{{${name}}}`}`);
  return getter;
}

function wrong(text: string, at: number, message: string): Failure {
  return new Failure('usage', `--template: ${message}`, {
    where: `--template, character ${at + 1}`,
    detail: text,
    next: `the names are ${Object.keys(getters).join(', ')}, fields.NAME, and json before any of them`,
  });
}

function unescape(text: string): string {
  return text.replaceAll(/\\[nt\\]/g, (escape) => escapes.get(escape) ?? escape);
}

function asText(value: unknown, json: boolean): string {
  if (json) return JSON.stringify(value ?? null);
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  return typeof value === 'object' && !Array.isArray(value)
    ? formatFields(Object.entries(value))
    : JSON.stringify(value);
}
