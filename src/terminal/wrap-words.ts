import { cellWidth } from './cell-width.ts';

// A sequence takes no room, and a line is not broken within one.
const escape = '\u001B';
const sgr = RegExp(`${escape}\\[[\\d;:]*m`, 'g');
const widestIndent = 1 / 3;

/**
 * @returns a line in rows of at most `columns` cells, broken between words; the rows after the first are indented to where
 * its second word stands. A word that is wider than a row is left whole: the terminal breaks it, and it can be copied.
 * @param line without controls but colours.
 */
export function wrapWords(line: string, columns: number): readonly string[] {
  const plain = line.replaceAll(sgr, '');
  if (plain.length * 2 <= columns || cellWidth(plain) <= columns) return [line];
  const [, margin = '', first = '', gap = ''] = /^( *)(\S*)( *)/.exec(plain) ?? [];
  const hanging = cellWidth(margin + first + gap);
  const indent = ' '.repeat(hanging <= columns * widestIndent ? hanging : margin.length + 2);
  const rows: string[] = [];
  let row = '';
  let used = 0;
  for (const [word, gap = ''] of wordsOf(line)) {
    const width = cellWidth(word.replaceAll(sgr, ''));
    const isFirst = row.trim() === '' || row === indent;
    if (!isFirst && used + width > columns) {
      rows.push(row.trimEnd());
      row = indent;
      used = indent.length;
    }
    row += word + gap;
    used += width + gap.length;
  }
  return [...rows, row.trimEnd()];
}

/** @returns the words with the blanks behind them; the first may be blanks alone. */
function wordsOf(line: string): readonly (readonly [word: string, gap?: string])[] {
  return Array.from(line.matchAll(/([^ ]*)( *)/g), ({ 1: word = '', 2: gap = '' }) => [word, gap] as const).filter(
    ([word, gap]) => word !== '' || gap !== '',
  );
}
