/** What is shorter turns up in other words by chance. */
const shortest = 8;

/**
 * What is looked for to find a secret value in text: the value, each line of one that has several, and base64 of it, also
 * within base64 of something longer (`user:password`), but for the characters there that it shares with what stands beside
 * it. All of eight characters and more, white space at the ends not counted. The frame of a key in PEM is the same in every
 * key, and lines without a letter or a digit are in many texts: they are no secret.
 */
export function secretForms(value: Buffer): readonly string[] {
  const text = value.toString('utf8');
  // Bytes that are no text (a keystore) are only ever written in base64.
  if (!Buffer.from(text).equals(value)) return base64Forms(value);
  const whole = text.trim();
  if (whole.length < shortest) return [];
  const lines = whole.split(/\r?\n/).map((line) => line.trim());
  const wholes = lines.length === 1 ? [whole] : [whole, lines.join('\n'), ...lines.filter(isTelling)];
  // In forms and queries of URLs a space is written so.
  const spaced = wholes.map((each) => each.replaceAll(' ', '+'));
  const bytes = Buffer.from(whole);
  const encoded = [...base64Forms(bytes), ...(bytes.equals(value) ? [] : base64Forms(value))];
  return [...new Set([...wholes, ...spaced, ...encoded])].filter((form) => form.length >= shortest);
}

function isTelling(line: string): boolean {
  return !/^-----(BEGIN|END) .*-----$/.test(line) && /[\p{L}\p{N}]/u.test(line);
}

/** Also without the `=` at the end, which some leave out. */
function base64Forms(value: Buffer): readonly string[] {
  if (value.length < shortest) return [];
  const within = [0, 1, 2].map((before) => withinBase64(value, before));
  const base64 = value.toString('base64');
  const forms = [base64, base64.replace(/=+$/, ''), ...within];
  return [...forms, ...forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
}

/** @returns the characters that the value alone decides when `before` bytes, or three more, stand before it. */
function withinBase64(value: Buffer, before: number): string {
  const bits = 8 * (before + value.length);
  const base64 = Buffer.concat([Buffer.alloc(before), value]).toString('base64');
  return base64.slice(Math.ceil((8 * before) / 6), Math.floor(bits / 6));
}
