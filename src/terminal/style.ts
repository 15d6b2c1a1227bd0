import { stripVTControlCharacters, styleText } from 'node:util';

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

/** Colours and weights for one stream: real ones on a terminal, none where nobody would see them. */
export interface Style {
  readonly colours: boolean;
  paint(colour: Colour, text: string): string;
  bold(text: string): string;
  dim(text: string): string;
}

export function createStyle(colours: boolean): Style {
  const wrap = (format: Colour | 'bold' | 'dim', text: string) => (colours ? styleText(format, text) : text);
  return {
    colours,
    paint: wrap,
    bold: (text) => wrap('bold', text),
    dim: (text) => wrap('dim', text),
  };
}

/**
 * Whether a stream gets colours: `--no-color`, then NO_COLOR (https://no-color.org) and FORCE_COLOR, then whether it is a
 * terminal.
 */
export function wantsColours(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv, noColor: boolean): boolean {
  if (noColor || (env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

const logColours: readonly Colour[] = ['cyan', 'green', 'magenta', 'yellow', 'blue'];

/** The same name has the same colour in every session. */
export function colourOf(name: string): Colour {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return logColours[hash % logColours.length] ?? 'cyan';
}

/** A program's own line: its colours stay but never leak into the next line; without colours they are taken out. */
export function containAnsi(line: string, colours: boolean): string {
  if (!line.includes('\u001B')) return line;
  return colours ? `${line}\u001B[0m` : stripVTControlCharacters(line);
}

/** @returns `850 ms`, `1.2 s`, `2 min 5 s`. */
export function formatMs(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** @returns `1 file`, `3 files`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
