const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Reads `500ms`, `90s`, `5m`, `1h` or `1m30s`. @returns milliseconds; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    total += Number(amount) * unitMs[unit as keyof typeof unitMs];
  return total;
}
