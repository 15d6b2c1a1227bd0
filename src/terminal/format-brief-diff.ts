import type { ObjectChange } from '../objects.ts';
import { type DiffLook, formatChange, formatDiff, summary } from './format-diff.ts';
import { count } from './style.ts';
import { wrapWords } from './wrap-words.ts';

export interface BriefLook extends DiffLook {
  readonly columns: number;
  /** Of the terminal that are left for it. */
  readonly rows: number;
  /** How to see all of it. */
  readonly whole: string;
}

/** What takes something away comes first: it is what must not be cut. */
const ranks: Readonly<Record<ObjectChange['kind'], number>> = { pruned: 0, replaced: 1, changed: 2, new: 3 };

/**
 * @returns what would change, in about as many lines as there are rows: every object while there is room, of new ones their
 * names alone, and of those that change as many fields as then fit, in equal shares.
 */
export function formatBriefDiff(
  changes: readonly ObjectChange[],
  unchanged: number,
  look: BriefLook,
): readonly string[] {
  if (changes.length === 0) return formatDiff(changes, unchanged, look);
  const { style, columns, rows, whole } = look;
  const height = (line: string) => wrapWords(line, columns).length;
  const blocks = changes
    .toSorted((a, b) => ranks[a.kind] - ranks[b.kind])
    .map((change) => {
      const [head = '', ...body] = formatChange(change, look);
      return { head, body: change.kind === 'new' ? [] : body };
    });
  // The last two tell how many there are, and where the rest is.
  const shown = blocks.slice(0, Math.max(1, rows - 2));
  let left = rows - 2 - shown.reduce((sum, { head }) => sum + height(head), 0);
  let bodies = shown.filter(({ body }) => body.length > 0).length;
  const lines = shown.flatMap(({ head, body }) => {
    if (body.length === 0) return [head];
    const fitting = fit(body, Math.max(0, Math.floor(left / bodies--)), height);
    left -= fitting.reduce((sum, line) => sum + height(line), 0);
    const hidden = body.length - fitting.length;
    if (hidden === 0) return [head, ...fitting];
    // The row that says so takes one.
    const last = fitting.length === 0 ? [] : [style.dim(`    … ${count(hidden + 1, 'more line')}`)];
    return [head, ...fitting.slice(0, -1), ...last];
  });
  const more = blocks.length - shown.length;
  const isWhole = lines.length === changes.flatMap((change) => formatChange(change, look)).length;
  return [
    ...lines,
    `${more > 0 ? `… and ${count(more, 'more object')}; ` : ''}${summary(changes, unchanged)}`,
    ...(isWhole ? [] : [style.dim(`in full: ${whole}`)]),
  ];
}

/** @returns the first lines that fit into so many rows. */
function fit(lines: readonly string[], rows: number, height: (line: string) => number): readonly string[] {
  let used = 0;
  const end = lines.findIndex((line) => (used += height(line)) > rows);
  return end < 0 ? lines : lines.slice(0, end);
}
