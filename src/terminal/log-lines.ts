import type { LogReport } from '../events.ts';
import { contain, hasControls } from './contain-controls.ts';
import { highlight } from './highlight.ts';
import type { LogPrefixes } from './log-prefix.ts';
import type { LogClock } from './log-time.ts';
import type { Style } from './style.ts';

/** A program that never closes its colours does not paint all that it ever prints. */
const carriedLines = 100;

/** What a person asked of the look of log lines. */
export interface LogLook {
  /** undefined: no time is shown. */
  readonly clock: LogClock | undefined;
  /** With the flag `g`. */
  readonly highlight: readonly RegExp[];
}

export const plainLook: LogLook = { clock: undefined, highlight: [] };

/** What containers print, as people read it. */
export class LogLines {
  readonly #style: Style;
  readonly #look: LogLook;
  readonly #prefixes: LogPrefixes;
  /** By container, while there are: the colours that its last line has left on, and for how many more lines they count. */
  readonly #open = new Map<string, { readonly codes: string; readonly lines: number }>();

  constructor(style: Style, look: LogLook, prefixes: LogPrefixes) {
    this.#style = style;
    this.#look = look;
    this.#prefixes = prefixes;
  }

  /** @returns one line, without its newline. */
  format(log: LogReport): string {
    const { clock, highlight: patterns } = this.#look;
    let text = this.#contain(log);
    if (patterns.length > 0 && this.#style.colours) text = highlight(text, patterns);
    const stamp = clock === undefined ? '' : `${this.#style.dim(clock.format(log.stamp))} `;
    return `${this.#prefixes.of(log)} ${stamp}${text}`;
  }

  #contain(log: LogReport): string {
    const { colours } = this.#style;
    const isPlain = !hasControls(log.line);
    if (isPlain && this.#open.size === 0) return log.line;
    const key = `${log.namespace}/${log.pod}/${log.container}`;
    const open = this.#open.get(key);
    if (isPlain && open === undefined) return log.line;
    const contained = contain(log.line, { colours, open: open?.codes ?? '' });
    const lines = contained.open === open?.codes ? open.lines - 1 : carriedLines;
    if (contained.open === '' || lines === 0 || !colours) this.#open.delete(key);
    else this.#open.set(key, { codes: contained.open, lines });
    return contained.text;
  }
}
