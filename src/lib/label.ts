/** @returns a text as a DNS label of at most 53 characters, which leaves room for a prefix; empty when nothing of it can stay. */
export function toLabel(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 53)
    .replaceAll(/^-+|-+$/g, '');
}
