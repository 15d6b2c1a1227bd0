/**
 * For "did you mean": the candidate that `word` most likely stands for. Case, dashes and underscores count for nothing,
 * so `on-exit` finds `onExit`; apart from those a third of the letters may differ.
 *
 * @returns undefined when nothing comes close.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const bare = strip(word);
  let best: string | undefined;
  let least = Math.max(1, Math.floor(bare.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = distanceOf(bare, strip(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function strip(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, '');
}

/** How many letters must be added, dropped, replaced or swapped with the next (optimal string alignment). */
function distanceOf(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
