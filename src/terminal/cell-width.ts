const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** East Asian wide characters, and what is drawn as an emoji: two cells each (https://www.unicode.org/reports/tr11/). */
const wide =
  /^(?:\p{Emoji_Presentation}|.\uFE0F|(?![\uFF61-\uFF9F])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303E\uFF01-\uFF60\uFFE0-\uFFE6])/u;
/** Of a flag. */
const half = /^\p{Regional_Indicator}/u;
const nothing = /^[\p{Control}\p{Format}\p{Mark}]*$/u;
const ascii = /^[ -~]*$/;

/** @returns what a reader takes for the characters of a text: an emoji with its modifiers is one. */
export function charactersOf(text: string): readonly string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** @returns how many cells of a terminal a text without escape sequences takes at most. */
export function cellWidth(text: string): number {
  if (ascii.test(text)) return text.length;
  let cells = 0;
  for (const character of charactersOf(text)) cells += widthOf(character);
  return cells;
}

/** @returns the text, or its beginning and `…`, in at most `cells` cells. */
export function cutToCells(text: string, cells: number): string {
  const cut = (end: number) => (cells <= 0 ? '' : `${text.slice(0, end)}…`);
  if (ascii.test(text)) return text.length <= cells ? text : cut(cells - 1);
  let used = 0;
  let end = 0;
  // No further than it is looked at: to take all of a long text apart costs the square of its length.
  for (const { segment, index } of graphemes.segment(text)) {
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
  for (const character of charactersOf(text).toReversed()) {
    if (cellWidth(character + tail) > room) break;
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
