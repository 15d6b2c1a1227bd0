/**
 * JSON.stringify that writes a bigint with all its digits, as `parseManifestYaml` reads an integer beyond 2^53:
 * the text that goes to the API server holds what kubectl would send.
 */
export function stringifyJson(value: unknown): string {
  const integers: bigint[] = [];
  const mark = `\u{F8FF}${crypto.randomUUID()}:`;
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? `${mark}${integers.push(item) - 1}` : item,
  );
  if (integers.length === 0) return text;
  return text.replaceAll(new RegExp(`"${mark}(\\d+)"`, 'g'), (_all, index: string) => String(integers[Number(index)]));
}
