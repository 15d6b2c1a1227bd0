import { Sgr } from './sgr.ts';

const escape = '\u001B';
// What a terminal takes for more than a character, but for TAB; with DEL and C1.
const c0 = '\0-\u0008\u000A-\u001F';
const control = RegExp(`[${c0}\u007F-\u009F]`);

// ECMA-48: CSI with its parameters and its end; a string (a title, a link) that BEL or ST ends; any other escape.
const csi = `(?:${escape}\\[|\u009B)([0-?]*)[ -/]*([@-~]?)`;
const string = `(?:${escape}[\\]P_^X]|[\u0090\u0098\u009D-\u009F])[^\u0007\u009C${escape}]*(?:[\u0007\u009C]|${escape}\\\\)?`;
const controls = RegExp(`${csi}|${string}|${escape}[ -/]*[0-~]?|${control.source}`, 'g');
const sgrCodes = /^[\d;:]*$/;

export interface Contained {
  readonly text: string;
  /** The colours that the program has left on, for its next line: SGR codes, or nothing. */
  readonly open: string;
}

/** Whether a line holds anything that a terminal would do something about: few do. */
export function hasControls(line: string): boolean {
  return control.test(line);
}

/**
 * @returns a line that can be printed among others. Its colours stay, and end with it; what would move the cursor, erase, or
 * speak to the terminal is taken out. Of what a program has written over itself, a progress bar with its carriage returns,
 * the last state is left.
 * @param open the colours that the line before has left on.
 */
export function contain(line: string, { colours, open = '' }: { colours: boolean; open?: string }): Contained {
  const sgr = new Sgr();
  if (open !== '') sgr.apply(open);
  const begin = () => (colours && sgr.codes !== '' ? `\u001B[${sgr.codes}m` : '');
  let text = begin();
  let at = 0;
  let isAtStart = false;
  const print = (piece: string) => {
    if (piece === '') return;
    text = isAtStart ? begin() + piece : text + piece;
    isAtStart = false;
  };
  for (const { 0: whole, 1: codes = '', 2: final, index } of line.matchAll(controls)) {
    print(line.slice(at, index));
    at = index + whole.length;
    if (final === 'm' && sgrCodes.test(codes)) {
      sgr.apply(codes);
      if (colours) text += `\u001B[${codes}m`;
    } else if (whole === '\r' || (final === 'G' && (codes === '' || codes === '1'))) isAtStart = true;
    else if (final === 'K' && (codes === '2' || (isAtStart && codes !== '1'))) text = begin();
  }
  print(line.slice(at));
  return { text: colours && sgr.codes !== '' ? `${text}\u001B[0m` : text, open: sgr.codes };
}

/** @returns the text of `contain` for a line that stands alone, with its colours. */
export function containControls(line: string): string {
  return hasControls(line) ? contain(line, { colours: true }).text : line;
}
