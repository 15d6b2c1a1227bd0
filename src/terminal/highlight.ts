const escape = '\u001B';
const sgr = RegExp(`${escape}\\[[\\d;:]*m`, 'g');
const begin = '\u001B[7m';
const end = '\u001B[27m';

/**
 * @returns the text with every match in inverse video, which leaves its own colours as they are. They are no part of what
 * is matched. @param patterns with the flag `g`. @param text without controls but colours.
 */
export function highlight(text: string, patterns: readonly RegExp[]): string {
  const plain = text.replaceAll(sgr, '');
  const marks = marksOf(plain, patterns);
  if (marks.length === 0) return text;
  const edges = [
    ...marks.flatMap((mark) => [
      { at: mark.begin, rank: 2, sequence: begin },
      { at: mark.end, rank: 0, sequence: end },
    ]),
    ...sequencesIn(text).map(({ at, sequence }) => ({ at, rank: 1, sequence })),
  ].toSorted((a, b) => a.at - b.at || a.rank - b.rank);
  let marked = '';
  let at = 0;
  let isOn = false;
  for (const edge of edges) {
    marked += plain.slice(at, edge.at) + edge.sequence;
    at = edge.at;
    if (edge.rank !== 1) isOn = edge.rank === 2;
    // It may have ended all that was on.
    else if (isOn) marked += begin;
  }
  return marked + plain.slice(at);
}

/** @returns the sequences, and where they stand in the text without them. */
function sequencesIn(text: string): readonly { readonly at: number; readonly sequence: string }[] {
  let length = 0;
  return Array.from(text.matchAll(sgr), ({ 0: sequence, index }) => {
    const at = index - length;
    length += sequence.length;
    return { at, sequence };
  });
}

interface Mark {
  readonly begin: number;
  readonly end: number;
}

/** @returns what the patterns match, in order; what overlaps is one. */
function marksOf(plain: string, patterns: readonly RegExp[]): readonly Mark[] {
  const found = patterns.flatMap((pattern) =>
    Array.from(plain.matchAll(pattern), ({ 0: { length }, index }) => ({ begin: index, end: index + length })),
  );
  const marks: Mark[] = [];
  for (const { begin, end } of found.toSorted((a, b) => a.begin - b.begin)) {
    const last = marks.at(-1);
    if (begin === end) continue;
    if (last === undefined || begin > last.end) marks.push({ begin, end });
    else if (end > last.end) marks[marks.length - 1] = { begin: last.begin, end };
  }
  return marks;
}
