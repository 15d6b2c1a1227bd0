import { once } from '../lib/once.ts';

/** Most sessions print nothing but ASCII, and what ICU loads for this would be a tenth of their start. */
const graphemes = once(() => new Intl.Segmenter(undefined, { granularity: 'grapheme' }));

/** East Asian wide characters, and what is drawn as an emoji: two cells each (https://www.unicode.org/reports/tr11/). */
const wide =
  /^(?:\p{Emoji_Presentation}|.\uFE0F|(?![\uFF61-\uFF9F])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303E\uFF01-\uFF60\uFFE0-\uFFE6])/u;
/** Of a flag. */
const half = /^\p{Regional_Indicator}/u;
const nothing = /^[\p{Control}\p{Format}\p{Mark}]*$/u;
const ascii = /^[ -~]*$/;

/** @returns what a reader takes for the characters of a text: an emoji with its modifiers is one. */
export function charactersOf(text: string): readonly string[] {
  return Array.from(segmentsOf(text), ({ segment }) => segment);
}

interface Segment {
  readonly segment: string;
  readonly index: number;
}

/** UTF-16 units that are taken apart together. */
const piece = 1024;
const highSurrogate = /^[\uD800-\uDBFF]/;

/** To take a long text apart at once costs the square of its length, so it is done in pieces, of whole characters each. */
function* segmentsOf(text: string): Generator<Segment, void, void> {
  let begin = 0;
  let length = piece;
  while (begin < text.length) {
    // Half a surrogate pair would be taken for a character of its own.
    const end = begin + length - (highSurrogate.test(text.charAt(begin + length - 1)) ? 1 : 0);
    const isLast = end >= text.length;
    let last: Segment | undefined;
    for (const { segment, index } of graphemes().segment(text.slice(begin, end))) {
      if (last) yield last;
      last = { segment, index: begin + index };
    }
    if (isLast && last) yield last;
    if (isLast || !last) return;
    // What the end of a piece cuts is looked at again, with what follows it.
    length = last.index === begin ? length * 2 : piece;
    begin = last.index;
  }
}

/** @returns how many cells of a terminal a text without escape sequences takes at most. */
export function cellWidth(text: string): number {
  if (ascii.test(text)) return text.length;
  let cells = 0;
  for (const { segment } of segmentsOf(text)) cells += widthOf(segment);
  return cells;
}

/** @returns the text, or its beginning and `…`, in at most `cells` cells. */
export function cutToCells(text: string, cells: number): string {
  const cut = (end: number) => (cells <= 0 ? '' : `${text.slice(0, end)}…`);
  if (ascii.test(text)) return text.length <= cells ? text : cut(cells - 1);
  let used = 0;
  let end = 0;
  for (const { segment, index } of segmentsOf(text)) {
    used += widthOf(segment);
    if (used > cells) return cut(end);
    if (used < cells) end = index + segment.length;
  }
  return text;
}

/** @returns the text, or its beginning, `…` and its end, in at most `cells` cells. */
export function cutMiddle(text: string, cells: number): string {
  if (cellWidth(text) <= cells) return text;
  const head = cutToCells(text, Math.ceil((cells + 1) / 2));
  const room = cells - cellWidth(head);
  let tail = '';
  let used = 0;
  for (const character of charactersOf(text).toReversed()) {
    used += widthOf(character);
    if (used > room) break;
    tail = character + tail;
  }
  return head + tail;
}

/**
 * Terminals differ in what they join: one that knows the joiner draws a family in two cells, one that doesn't each of its
 * members. This is the wider of the two, so that a line which has to fit does so in both.
 */
function widthOf(grapheme: string): number {
  if (nothing.test(grapheme)) return 0;
  const joined = wide.test(grapheme) ? 2 : 1;
  if (grapheme.length <= 2) return joined;
  let apart = 0;
  for (const point of grapheme) apart += nothing.test(point) ? 0 : wide.test(point) && !half.test(point) ? 2 : 1;
  return Math.max(joined, apart);
}
