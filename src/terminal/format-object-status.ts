import { formatId, formatPlaced, type ObjectStatus } from '../objects.ts';
import { cellWidth, charactersOf, cutMiddle } from './cell-width.ts';
import type { Style } from './style.ts';

export interface StatusLook {
  readonly style: Style;
  /** undefined: as many as it takes. */
  readonly columns: number | undefined;
  /** Milliseconds since 1970: ages are counted up to it. */
  readonly now: number;
  /** How many rows there are for why one is not ready. Default: as many as it takes. */
  readonly reasonRows?: number;
}

/**
 * @returns a table of objects: ready or not, pods, restarts, age, image and ports; where there is no room for the last two they
 * stand on a line of their own, and so does why an object is not ready.
 */
export function formatObjectStatus(
  objects: readonly ObjectStatus[],
  { style, columns, now, reasonRows = Number.POSITIVE_INFINITY }: StatusLook,
): readonly string[] {
  const heads = ['', 'NAME', 'PODS', 'RESTARTS', 'AGE', 'IMAGE', 'PORTS'];
  const rows = objects.map((each) => [
    each.ready ? '✓' : '✗',
    formatId(each.id),
    each.pods ? `${each.pods.ready}/${each.pods.wanted}` : '',
    each.pods ? String(each.restarts) : '',
    each.createdAt === undefined ? '' : formatAge(now - Date.parse(each.createdAt)),
    each.images.map(imageText).join(', '),
    each.ports.join(', '),
  ]);
  const whole = widthsOf([heads, ...rows]);
  const isWide = columns === undefined || widthOf(whole) <= columns;
  const shown = isWide ? heads.length : heads.length - 2;
  const widths = isWide ? whole : narrowed(whole.slice(0, shown), columns);
  const line = (cells: readonly string[]) =>
    cells
      .slice(0, shown)
      .map((cell, at) => padded(cell, widths[at] ?? 0))
      .join(gap)
      .trimEnd();
  const below = (text: string) => (columns === undefined ? [text] : broken(text, columns - indent.length));
  return [
    style.dim(line(heads)),
    ...objects.flatMap((each, at) => {
      const cells = rows[at] ?? [];
      const rest = isWide ? [] : cells.slice(shown).filter((cell) => cell !== '');
      const painted = line(cells).replace(/^./u, (sign) => style.paint(each.ready ? 'green' : 'red', sign));
      const because = each.because === undefined ? [] : firstOf(below(each.because), reasonRows);
      return [
        painted,
        ...rest.flatMap(below).map((row) => indent + style.dim(row)),
        ...because.map((row) => indent + style.paint('red', row)),
        ...(each.kept ? below(keptWords).map((row) => indent + style.dim(row)) : []),
      ];
    }),
  ];
}

/**
 * @returns the table in at most so many rows: where there are too few, what is not ready comes first, and how many lines are
 * left out is said. The lines of `foot` are below it in any case.
 */
export function fitObjectStatus(
  objects: readonly ObjectStatus[],
  look: StatusLook & { readonly rows: number; readonly foot: readonly string[] },
): readonly string[] {
  const { style, rows, foot } = look;
  const room = rows - foot.length;
  const lines = formatObjectStatus(objects, look);
  if (lines.length <= room) return [...lines, ...foot];
  const unreadyFirst = objects.toSorted((a, b) => Number(a.ready) - Number(b.ready));
  const sorted = formatObjectStatus(unreadyFirst, { ...look, reasonRows: 3 });
  const first = sorted.slice(0, Math.max(0, room - 1));
  return [...first, style.dim(`${indent}… ${sorted.length - first.length} more lines`), ...foot];
}

/** @returns what is new in a state, a line each: for who reads a pipe. */
export function formatStatusChanges(
  before: readonly ObjectStatus[],
  after: readonly ObjectStatus[],
  style: Style,
): readonly string[] {
  const [was, is] = [before, after].map(
    (all) => new Map(all.map((each) => [formatPlaced(each.id), lineOf(each, style)])),
  );
  const gone = [...(was ?? [])].flatMap(([key]) => (is?.has(key) ? [] : [`- ${key}: gone`]));
  return [...gone, ...[...(is ?? [])].flatMap(([key, line]) => (was?.get(key) === line ? [] : [line]))];
}

const keptWords = 'kept: not in the manifests any more';
const gap = '  ';
const indent = '   ';
const leastName = 10;

function lineOf(each: ObjectStatus, style: Style): string {
  const sign = each.ready ? style.paint('green', '✓') : style.paint('red', '✗');
  const facts = [
    each.pods ? ` ${each.pods.ready}/${each.pods.wanted}` : '',
    each.restarts > 0 ? `, ${each.restarts} restarts` : '',
    each.images.length > 0 ? `, ${each.images.map(imageText).join(', ')}` : '',
    each.because === undefined ? '' : `: ${each.because}`,
    each.kept ? `, ${keptWords}` : '',
  ];
  return `${sign} ${formatPlaced(each.id)}${facts.join('')}`;
}

/** What was deployed, and what runs besides. */
function imageText({ image, others }: ObjectStatus['images'][number]): string {
  return others.length === 0 ? shortImage(image) : `${shortImage(image)} (runs ${others.map(shortImage).join(', ')})`;
}

/** @returns `web:stormctl-0123abcd` of `localhost:5000/shop/web:stormctl-0123abcd@sha256:…`, `web@0123abcd` without a tag. */
function shortImage(reference: string): string {
  const [name = '', digest] = reference.split('@');
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last.includes(':') || digest === undefined ? last : `${last}@${digest.replace(/^sha256:/, '').slice(0, 8)}`;
}

/** @returns `45s`, `12m`, `3h`, `9d`. */
function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** The name gives way; every other cell is short. */
function narrowed(widths: readonly number[], columns: number): readonly number[] {
  const over = widthOf(widths) - columns;
  return widths.map((width, at) => (at === 1 && over > 0 ? Math.max(leastName, width - over) : width));
}

function padded(cell: string, width: number): string {
  const cut = cutMiddle(cell, width);
  return cut + ' '.repeat(width - cellWidth(cut));
}

/** @returns rows of at most so many cells, broken between words, and within those that are wider than that. */
function broken(text: string, columns: number): readonly string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    const joined = row === '' ? word : `${row} ${word}`;
    if (cellWidth(joined) <= columns) {
      row = joined;
      continue;
    }
    if (row !== '') rows.push(row);
    row = '';
    for (const character of charactersOf(word)) {
      if (row !== '' && cellWidth(row + character) > columns) {
        rows.push(row);
        row = '';
      }
      row += character;
    }
  }
  return [...rows, row];
}

function firstOf(rows: readonly string[], most: number): readonly string[] {
  return rows.length <= most ? rows : [...rows.slice(0, most - 1), `${(rows[most - 1] ?? '').slice(0, -1)}…`];
}

/** Of a row of cells. */
function widthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + gap.length, -gap.length);
}

function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  const [heads = []] = rows;
  return heads.map((_, at) => Math.max(...rows.map((row) => cellWidth(row[at] ?? ''))));
}
