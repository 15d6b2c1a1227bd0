/** How many characters tell where to look next: two would be the same everywhere in hexadecimal text. */
const block = 3;
const buckets = 0x1_0000;

/**
 * Finds any of many texts in a line. The effort does not grow with their number: most of a line is skipped, up to the
 * length of the shortest at a time (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994).
 */
export class Needles {
  readonly #shortest: number;
  /** By the hash of a block: how far the next place is where a needle could begin; 0: look here. */
  readonly #shifts: Uint8Array;
  /** By the hash of the last block of their first `#shortest` characters, the longest first. */
  readonly #candidates = new Map<number, string[]>();

  /** @param needles three characters or more each. */
  constructor(needles: readonly string[]) {
    this.#shortest = Math.min(255, ...needles.map(({ length }) => length));
    this.#shifts = new Uint8Array(buckets).fill(this.#shortest - block + 1);
    for (const needle of needles) this.#add(needle);
    for (const candidates of this.#candidates.values()) candidates.sort((a, b) => b.length - a.length);
  }

  /** @returns the first place from `from` on where one stands, of several there the longest. */
  find(text: string, from: number): { readonly start: number; readonly end: number } | undefined {
    const shifts = this.#shifts;
    const last = this.#shortest - block;
    const end = text.length - block;
    for (let at = from + last; at <= end; ) {
      const hash = hashOf(text, at);
      const shift = shifts[hash] ?? 1;
      if (shift > 0) {
        at += shift;
        continue;
      }
      const start = at - last;
      const found = this.#candidates.get(hash)?.find((needle) => text.startsWith(needle, start));
      if (found !== undefined) return { start, end: start + found.length };
      at++;
    }
    return undefined;
  }

  #add(needle: string): void {
    const last = this.#shortest - block;
    for (let at = 0; at <= last; at++) {
      const hash = hashOf(needle, at);
      this.#shifts[hash] = Math.min(this.#shifts[hash] ?? 0, last - at);
    }
    const hash = hashOf(needle, last);
    const there = this.#candidates.get(hash);
    if (there) there.push(needle);
    else this.#candidates.set(hash, [needle]);
  }
}

function hashOf(text: string, at: number): number {
  return (text.charCodeAt(at) * 961 + text.charCodeAt(at + 1) * 31 + text.charCodeAt(at + 2)) & (buckets - 1);
}
