/** @returns a text as a DNS label of at most 53 characters, which leaves room for a prefix; empty when nothing of it can stay. */
export function toLabel(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 53)
    .replaceAll(/^-+|-+$/g, '');
}

/** Whether a text is an RFC 1123 label, as the names of namespaces are. */
export function isLabel(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

export const labelRule = 'write lower-case letters, digits and dashes, 63 at most, with a letter or digit at both ends';
