export interface ComparedLine {
  readonly sign: '+' | '-' | ' ';
  readonly line: string;
}

/** How many lines that are the same stand beside one that differs. */
const context = 2;
/** Beyond that many comparisons what lies between the first and the last difference is told as a whole. */
const mostCells = 1_000_000;

/** @returns the lines that differ, with some around them; `…` stands for those that are left out. */
export function compareLines(before: readonly string[], after: readonly string[]): readonly ComparedLine[] {
  let head = 0;
  while (head < Math.min(before.length, after.length) && before[head] === after[head]) head++;
  let tail = 0;
  const rest = Math.min(before.length, after.length) - head;
  while (tail < rest && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const same = (lines: readonly string[]) => lines.map((line) => ({ sign: ' ', line }) as const);
  return shorten([
    ...same(before.slice(0, head)),
    ...compareMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...same(before.slice(before.length - tail)),
  ]);
}

/** By the longest common subsequence. */
function compareMiddle(before: readonly string[], after: readonly string[]): readonly ComparedLine[] {
  const lines: ComparedLine[] = [];
  let [i, j] = [0, 0];
  if (before.length * after.length <= mostCells) {
    const lengths = commonLengths(before, after);
    const width = after.length + 1;
    while (i < before.length && j < after.length) {
      if (before[i] === after[j]) {
        lines.push({ sign: ' ', line: before[i] ?? '' });
        i++;
        j++;
      } else if ((lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0))
        lines.push({ sign: '-', line: before[i++] ?? '' });
      else lines.push({ sign: '+', line: after[j++] ?? '' });
    }
  }
  for (const line of before.slice(i)) lines.push({ sign: '-', line });
  for (const line of after.slice(j)) lines.push({ sign: '+', line });
  return lines;
}

/** Of what begins at each pair of lines. */
function commonLengths(before: readonly string[], after: readonly string[]): Uint32Array {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        before[i] === after[j]
          ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0);
  return lengths;
}

function shorten(lines: readonly ComparedLine[]): readonly ComparedLine[] {
  const isNear = (at: number) =>
    lines.slice(Math.max(0, at - context), at + context + 1).some(({ sign }) => sign !== ' ');
  return lines.flatMap((line, at) => {
    if (isNear(at)) return [line];
    const isFirst = at === 0 || isNear(at - 1);
    return isFirst ? [{ sign: ' ', line: '…' } as const] : [];
  });
}
