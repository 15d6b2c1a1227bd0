import { Needles } from './needles.ts';

/** What is shorter turns up in other words by chance. */
const shortest = 8;
const stars = '***';

/**
 * Hides secret values in text. What it has learned it hides for as long as it lives: a value that was replaced may still
 * be printed by what runs with it. A value is never given out again.
 */
export class Mask {
  readonly #known = new Set<string>();
  #needles: Needles | undefined;

  /**
   * From now on these are hidden: each line of eight characters and more, and what a value looks like in base64, within
   * JSON and within a URL.
   */
  learn(values: Iterable<Buffer>): void {
    const before = this.#known.size;
    for (const value of values) for (const form of formsOf(value)) this.#known.add(form);
    if (this.#known.size > before) this.#needles = new Needles([...this.#known]);
  }

  /** @returns the text with every known value replaced by `***`. */
  apply(text: string): string {
    const needles = this.#needles;
    let found = needles?.find(text, 0);
    if (!needles || !found) return text;
    let masked = '';
    let told = 0;
    for (; found; found = needles.find(text, told)) {
      masked += text.slice(told, found.start) + stars;
      told = found.end;
    }
    return masked + text.slice(told);
  }
}

function formsOf(value: Buffer): readonly string[] {
  const text = value.toString('utf8');
  // Bytes that are no text (a keystore) are only ever written in base64.
  if (!Buffer.from(text).equals(value)) return base64Forms(value);
  const whole = text.trim();
  if (whole.length < shortest) return [];
  // The first and the last line of a key in PEM are the same in every key.
  const lines = whole.split('\n').filter((line) => !line.startsWith('-----'));
  const escaped = [JSON.stringify(whole).slice(1, -1), encodeURIComponent(whole)];
  const encoded = [value, Buffer.from(whole)].flatMap(base64Forms);
  return [...lines.map((line) => line.trim()), ...escaped, ...encoded].filter((form) => form.length >= shortest);
}

/** Also without the `=` at the end, which some leave out. */
function base64Forms(value: Buffer): readonly string[] {
  if (value.length < shortest) return [];
  const base64 = value.toString('base64');
  return [base64, base64.replace(/=+$/, ''), value.toString('base64url')];
}
