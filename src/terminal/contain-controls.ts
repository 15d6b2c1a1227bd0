import { Sgr } from './sgr.ts';

const escape = '\u001B';
// What a terminal takes for more than a character, but for TAB: with DEL and C1; and all of them but the escape.
const c0 = '\0-\u0008\u000A-\u001A\u001C-\u001F';
const others = `${c0}\u007F-\u009F`;
const control = RegExp(`[${others}${escape}]`);
const other = RegExp(`[${others}]`);

// ECMA-48: CSI with its parameters and its end; a string (a title, a link) that BEL or ST ends; any other escape.
const csi = `(?:${escape}\\[|\u009B)([0-?]*)[ -/]*([@-~]?)`;
const string = `(?:${escape}[\\]P_^X]|[\u0090\u0098\u009D-\u009F])[^\u0007\u009C${escape}]*(?:[\u0007\u009C]|${escape}\\\\)?`;
const controls = RegExp(`${csi}|${string}|${escape}[ -/]*[0-~]?|${other.source}`, 'g');
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
  const first = begin(sgr, colours);
  if (colours && applyAll(line, sgr)) return ended(first + line, sgr, colours);
  const again = new Sgr();
  if (open !== '') again.apply(open);
  return ended(rewrite(line, again, colours), again, colours);
}

/** @returns the text of `contain` for a line that stands alone, with its colours. */
export function containControls(line: string): string {
  return hasControls(line) ? contain(line, { colours: true }).text : line;
}

function begin(sgr: Sgr, colours: boolean): string {
  return colours && sgr.codes !== '' ? `${escape}[${sgr.codes}m` : '';
}

function ended(text: string, sgr: Sgr, colours: boolean): Contained {
  const open = sgr.codes;
  return { text: colours && open !== '' ? `${text}${escape}[0m` : text, open };
}

/** Most lines with controls have only colours, and stay as they are. @returns false at the first thing that is none. */
function applyAll(line: string, sgr: Sgr): boolean {
  if (other.test(line)) return false;
  for (let at = line.indexOf(escape); at >= 0; at = line.indexOf(escape, at)) {
    if (line[at + 1] !== '[') return false;
    const from = at + 2;
    at = from;
    // Digits, colon and semicolon.
    for (let code = line.charCodeAt(at); code >= 0x30 && code <= 0x3b; code = line.charCodeAt(at)) at++;
    if (line[at] !== 'm') return false;
    sgr.apply(line.slice(from, at));
  }
  return true;
}

function rewrite(line: string, sgr: Sgr, colours: boolean): string {
  let text = begin(sgr, colours);
  let at = 0;
  let isAtStart = false;
  const print = (piece: string) => {
    if (piece === '') return;
    text = isAtStart ? begin(sgr, colours) + piece : text + piece;
    isAtStart = false;
  };
  for (const { 0: whole, 1: codes = '', 2: final, index } of line.matchAll(controls)) {
    print(line.slice(at, index));
    at = index + whole.length;
    if (final === 'm' && sgrCodes.test(codes)) {
      sgr.apply(codes);
      if (colours) text += `${escape}[${codes}m`;
    } else if (whole === '\r' || (final === 'G' && (codes === '' || codes === '1'))) isAtStart = true;
    else if (final === 'K' && (codes === '2' || (isAtStart && codes !== '1'))) text = begin(sgr, colours);
  }
  print(line.slice(at));
  return text;
}
