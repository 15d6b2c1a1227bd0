/** @param startedAt of `performance.now()`. @returns the time since then as people read it: `6.2 s`. */
export function elapsed(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}
