import { stripVTControlCharacters } from 'node:util';
import type { LogLevel, LogReport } from '../events.ts';
import type { LogsConfig } from '../project.ts';
import { contain, hasControls } from './contain-controls.ts';
import { createFold, type Fold } from './fold-line.ts';
import { highlight } from './highlight.ts';
import { isAtLeast, levelInText } from './log-level.ts';
import type { LogPrefixes } from './log-prefix.ts';
import type { LogTemplate } from './log-template.ts';
import { LogClock } from './log-time.ts';
import { parseStructured } from './parse-structured.ts';
import { allFields, type StructuredLine } from './structured-line.ts';
import { createStyle, type Style } from './style.ts';

/** A program that never closes its colours does not paint all that it ever prints. */
const carriedLines = 100;
/** Of containers that left colours on and printed nothing since: a session of weeks sees pods without end. */
const carriedOf = 1000;

/** What a person asked of the look of log lines, on the command line. */
export interface LogLook {
  /** As people read it, as the containers wrote it, or as a template says. */
  readonly form: 'text' | 'raw' | LogTemplate;
  readonly clock: LogClock;
  /** Before each line; a template says itself where. */
  readonly showsTime: boolean;
  /** With the flag `g`. */
  readonly highlight: readonly RegExp[];
  /** The least level that is shown; undefined: as the config says. */
  readonly level: LogLevel | undefined;
}

export const plainLook: LogLook = {
  form: 'text',
  clock: new LogClock('default', undefined),
  showsTime: false,
  highlight: [],
  level: undefined,
};

export interface LogLinesOptions {
  readonly style: Style;
  readonly look: LogLook;
  readonly prefixes: LogPrefixes;
  /** Whether structured lines stay as they are written. */
  readonly verbatim: boolean;
  /** Whether long values are cut: where a person looks at them. */
  readonly cuts: boolean;
}

interface Open {
  readonly codes: string;
  readonly lines: number;
}

/** What containers print, as a person asked for it. */
export class LogLines {
  /** The least level that is shown; lines that name none are shown too. undefined: all. */
  level: LogLevel | undefined;
  readonly #options: LogLinesOptions;
  readonly #foldLine: Fold;
  readonly #foldPlainly: Fold;
  #fold: { readonly on: boolean; readonly fields: readonly string[] | undefined };
  /** By container, while there are: the colours that its last line has left on, and for how many more lines they count. */
  readonly #open = new Map<string, Open>();

  constructor(options: LogLinesOptions) {
    this.#options = options;
    this.#foldLine = createFold(options.style, options);
    this.#foldPlainly = createFold(createStyle(false), { cuts: false });
    this.#fold = { on: !options.verbatim, fields: undefined };
    this.level = options.look.level;
  }

  /** What the config says, where the command line says nothing. */
  configure({ fold, fields, level }: LogsConfig): void {
    this.#fold = { on: fold && !this.#options.verbatim, fields };
    this.level = this.#options.look.level ?? level;
  }

  /** @returns one or several lines, without the last newline; undefined for a line that is not to be shown. */
  format(log: LogReport): string | undefined {
    const { form } = this.#options.look;
    const isParsed = form === 'text' ? this.#fold.on : form !== 'raw';
    const structured = isParsed || this.level !== undefined ? parseStructured(log.line) : undefined;
    if (this.level !== undefined && !this.#passes(log, structured)) return undefined;
    if (form === 'raw') return log.line;
    if (form !== 'text') return this.#fill(form, log, structured);
    if (structured === undefined || !this.#fold.on) return this.#print(log, this.#contain(log));
    const lines = this.#foldLine(structured, this.#fold.fields);
    return lines.length === 1
      ? this.#print(log, lines[0] ?? '')
      : lines.map((line) => this.#print(log, line)).join('\n');
  }

  /** @returns what is shown of a line, without colours and prefix; undefined: that is the line as it is. */
  plainTextOf(line: string): string | undefined {
    const structured = this.#options.look.form === 'text' && this.#fold.on ? parseStructured(line) : undefined;
    if (structured !== undefined) return this.#foldPlainly(structured, this.#fold.fields).join('\n');
    return hasControls(line) ? stripVTControlCharacters(line) : undefined;
  }

  /** @returns the report, with the parts of its line where it has any; undefined for a line that is not to be shown. */
  describe(log: LogReport): LogReport | undefined {
    const structured = parseStructured(log.line);
    if (this.level !== undefined && !this.#passes(log, structured)) return undefined;
    if (structured === undefined) return log;
    const { level, message } = structured;
    return { ...log, ...(level === undefined ? {} : { level }), message, fields: allFields(structured) };
  }

  #passes(log: LogReport, structured: StructuredLine | undefined): boolean {
    const level = structured === undefined ? levelInText(stripVTControlCharacters(log.line)) : structured.level;
    return level === undefined || this.level === undefined || isAtLeast(level, this.level);
  }

  #print(log: LogReport, line: string): string {
    const { style, look, prefixes } = this.#options;
    const marked = look.highlight.length > 0 && style.colours ? highlight(line, look.highlight) : line;
    const stamp = look.showsTime ? `${style.dim(look.clock.format(log.stamp))} ` : '';
    return `${prefixes.of(log)} ${stamp}${marked}`;
  }

  #fill(template: LogTemplate, log: LogReport, structured: StructuredLine | undefined): string {
    const { style, look } = this.#options;
    const { colours } = style;
    const level = structured?.level ?? structured?.levelText ?? levelInText(stripVTControlCharacters(log.line));
    const clean = (text: string) =>
      hasControls(text)
        ? text
            .split('\n')
            .map((line) => contain(line, { colours }).text)
            .join('\n')
        : text;
    return template({ log, structured, level, time: look.clock.format(log.stamp) }, clean);
  }

  #contain(log: LogReport): string {
    const { colours } = this.#options.style;
    const isPlain = !hasControls(log.line);
    if (isPlain && this.#open.size === 0) return log.line;
    const key = this.#open.size === 0 ? undefined : keyOf(log);
    const open = key === undefined ? undefined : this.#open.get(key);
    if (isPlain && open === undefined) return log.line;
    const contained = contain(log.line, { colours, open: open?.codes ?? '' });
    if (contained.open === '' && open === undefined) return contained.text;
    const lines = contained.open === open?.codes ? open.lines - 1 : carriedLines;
    // Set anew it is the last of them.
    this.#open.delete(keyOf(log));
    if (contained.open !== '' && lines > 0 && colours) this.#carry(keyOf(log), { codes: contained.open, lines });
    return contained.text;
  }

  #carry(key: string, open: Open): void {
    this.#open.set(key, open);
    const [oldest] = this.#open.size > carriedOf ? this.#open.keys() : [];
    if (oldest !== undefined) this.#open.delete(oldest);
  }
}

function keyOf({ namespace, pod, container }: LogReport): string {
  return `${namespace}/${pod}/${container}`;
}
