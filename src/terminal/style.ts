/** ECMA-48: the code that begins each, and the one that ends it. */
const codes = {
  bold: [1, 22],
  dim: [2, 22],
  inverse: [7, 27],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  redBright: [91, 39],
  greenBright: [92, 39],
  yellowBright: [93, 39],
  blueBright: [94, 39],
  magentaBright: [95, 39],
  cyanBright: [96, 39],
} as const;

type Format = keyof typeof codes;
export type Colour = Exclude<Format, 'bold' | 'dim' | 'inverse'>;

/** Colours and weights for one stream: real ones on a terminal, none where nobody would see them. */
export interface Style {
  readonly colours: boolean;
  paint(colour: Colour, text: string): string;
  bold(text: string): string;
  dim(text: string): string;
  inverse(text: string): string;
}

export function createStyle(colours: boolean): Style {
  const wrap = (format: Format, text: string) => {
    const [begin, end] = codes[format];
    return colours ? `\u001B[${begin}m${text}\u001B[${end}m` : text;
  };
  return {
    colours,
    paint: wrap,
    bold: (text) => wrap('bold', text),
    dim: (text) => wrap('dim', text),
    inverse: (text) => wrap('inverse', text),
  };
}

/** When there are colours; `auto`: where a person sees them. */
export const colourChoices = ['always', 'never', 'auto'] as const;
export type ColourChoice = (typeof colourChoices)[number];

/**
 * Whether a stream gets colours: as `--color` says, then NO_COLOR (https://no-color.org) and FORCE_COLOR, then whether it is
 * a terminal.
 */
export function wantsColours(
  stream: { readonly isTTY?: boolean },
  env: NodeJS.ProcessEnv,
  choice: ColourChoice,
): boolean {
  if (choice !== 'auto') return choice === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
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
